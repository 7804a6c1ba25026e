import type { CreatedResources } from '../packer/created-resources.ts'
import type { BakeIdentity } from './journal.ts'

/** Also deletes the image's snapshots. An option of the AWS CLI since the API's version of 2025-05-28. */
export const DELETE_SNAPSHOTS = '--delete-associated-snapshots'

/** The commands to remove, or to find, what this action could not remove. */
export const COMMANDS = {
  search: (region: string, { Name, Values }: { readonly Name: string; readonly Values: readonly string[] }) =>
    `aws ec2 describe-instances --region ${region} --filters Name=${Name},Values=${Values.join(',')}`,
  searchInstances: (region: string, { startedAt }: BakeIdentity) =>
    `aws ec2 describe-instances --region ${region} --query "Reservations[].Instances[?LaunchTime>='${startedAt}'][]"`,
  instance: (region: string, id: string) => `aws ec2 terminate-instances --region ${region} --instance-ids ${id}`,
  searchVolumes: (region: string, { startedAt }: BakeIdentity) =>
    `aws ec2 describe-volumes --region ${region} --query "Volumes[?CreateTime>='${startedAt}']"`,
  volume: (region: string, id: string) => `aws ec2 delete-volume --region ${region} --volume-id ${id}`,
  keyPair: (region: string, name: string) => `aws ec2 delete-key-pair --region ${region} --key-name ${name}`,
  launchTemplate: (region: string, id: string) =>
    `aws ec2 delete-launch-template --region ${region} --launch-template-id ${id}`,
  securityGroup: (region: string, name: string) =>
    `aws ec2 delete-security-group --region ${region} --group-id "$(aws ec2 describe-security-groups --region ${region} ` +
    `--filters Name=group-name,Values=${name} --query 'SecurityGroups[0].GroupId' --output text)"`,
  searchImages: (region: string, { images }: CreatedResources, instances: readonly string[]) =>
    images.length > 0
      ? images.map(id => COMMANDS.image(region, id)).join('; ')
      : `aws ec2 describe-images --region ${region} --owners self --filters Name=source-instance-id,Values=${instances.join(',')}`,
  searchCopies: (region: string, sources: readonly string[]) =>
    `aws ec2 describe-images --region ${region} --owners self --filters Name=source-image-id,Values=${sources.join(',')}`,
  searchPrintedSnapshots: (region: string, { snapshots, snapshotSources }: CreatedResources) =>
    [['snapshot-id', snapshots] as const, ['volume-id', snapshotSources] as const]
      .filter(([, values]) => values.length > 0)
      .map(
        ([name, values]) =>
          `aws ec2 describe-snapshots --region ${region} --filters Name=${name},Values=${values.join(',')}`,
      )
      .join('; '),
  image: (region: string, id: string): string =>
    `aws ec2 deregister-image --region ${region} --image-id ${id} ${DELETE_SNAPSHOTS}`,
  disableImage: (region: string, id: string) => `aws ec2 disable-image --region ${region} --image-id ${id}`,
  searchSnapshots: (region: string, images: readonly string[]) =>
    `aws ec2 describe-snapshots --region ${region} --owner-ids self ` +
    `--filters "Name=description,Values=${images.map(id => `*${id}*`).join(',')}"`,
  snapshot: (region: string, id: string) => `aws ec2 delete-snapshot --region ${region} --snapshot-id ${id}`,
  role: (name: string) =>
    `aws iam remove-role-from-instance-profile --instance-profile-name ${name} --role-name ${name}; ` +
    `aws iam delete-instance-profile --instance-profile-name ${name}; ` +
    `aws iam delete-role-policy --role-name ${name} --policy-name ${name}; aws iam delete-role --role-name ${name}`,
}
