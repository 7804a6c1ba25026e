import type { Traces } from '../packer/traces.ts'
import type { BakeFacts } from '../record.ts'

/** What a person types to remove, or to find, what this action could not. */
export const COMMANDS = {
  search: (region: string, { Name, Values }: { readonly Name: string; readonly Values: readonly string[] }) =>
    `aws ec2 describe-instances --region ${region} --filters Name=${Name},Values=${Values.join(',')}`,
  unknown: (region: string, { begun }: BakeFacts) =>
    `aws ec2 describe-instances --region ${region} --query "Reservations[].Instances[?LaunchTime>='${begun}'][]"`,
  instance: (region: string, id: string) => `aws ec2 terminate-instances --region ${region} --instance-ids ${id}`,
  keyPair: (region: string, name: string) => `aws ec2 delete-key-pair --region ${region} --key-name ${name}`,
  launchTemplate: (region: string, id: string) =>
    `aws ec2 delete-launch-template --region ${region} --launch-template-id ${id}`,
  securityGroup: (region: string, name: string) =>
    `aws ec2 delete-security-group --region ${region} --group-id "$(aws ec2 describe-security-groups --region ${region} ` +
    `--filters Name=group-name,Values=${name} --query 'SecurityGroups[0].GroupId' --output text)"`,
  searchImages: (region: string, { images }: Traces, instances: readonly string[]) =>
    images.length > 0
      ? images.map(id => COMMANDS.image(region, id)).join('; ')
      : `aws ec2 describe-images --region ${region} --owners self --filters Name=source-instance-id,Values=${instances.join(',')}`,
  searchCopies: (region: string, sources: readonly string[]) =>
    `aws ec2 describe-images --region ${region} --owners self --filters Name=source-image-id,Values=${sources.join(',')}`,
  searchVolumes: (region: string, { begun }: BakeFacts) =>
    `aws ec2 describe-volumes --region ${region} --query "Volumes[?CreateTime>='${begun}']"`,
  searchSnapshots: (region: string, { snapshots, snapshotSources }: Traces) =>
    [['snapshot-id', snapshots] as const, ['volume-id', snapshotSources] as const]
      .filter(([, values]) => values.length > 0)
      .map(
        ([name, values]) =>
          `aws ec2 describe-snapshots --region ${region} --filters Name=${name},Values=${values.join(',')}`,
      )
      .join('; '),
  snapshot: (region: string, id: string) => `aws ec2 delete-snapshot --region ${region} --snapshot-id ${id}`,
  image: (region: string, id: string): string =>
    `aws ec2 deregister-image --region ${region} --image-id ${id} --delete-associated-snapshots`,
  role: (name: string) =>
    `aws iam remove-role-from-instance-profile --instance-profile-name ${name} --role-name ${name}; ` +
    `aws iam delete-instance-profile --instance-profile-name ${name}; ` +
    `aws iam delete-role-policy --role-name ${name} --policy-name ${name}; aws iam delete-role --role-name ${name}`,
}
