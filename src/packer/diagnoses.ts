/** What a failed build has left to read. Only `failure` comes from Packer alone. */
export interface Evidence {
  /** Why the build failed, in Packer's words. */
  readonly failure: string
  /** The last lines that the build printed before its clean-up. */
  readonly output: readonly string[]
  /** The last lines of the instance's console output. */
  readonly console: readonly string[]
}

/** A known cause of a failure. */
export interface Diagnosis {
  /** The heading of its section in docs/diagnoses.md. */
  readonly name: string
  /** What is wrong, and what to do. It contains nothing of the evidence. */
  readonly sentence: string
  matches(evidence: Evidence): boolean
}

/** Finds the known cause of a failure; `undefined` when there is none. */
export function diagnose(evidence: Evidence): Diagnosis | undefined {
  return DIAGNOSES.find(({ matches }) => matches(evidence))
}

const DOCS = 'https://github.com/ami-bakery/ami-bakery/blob/v1/docs/diagnoses.md'

/** The diagnosis on one line, with a link to its section. */
export function describeDiagnosis({ name, sentence }: Diagnosis): string {
  return `Diagnosis: ${name}. ${sentence} ${DOCS}#${name.toLowerCase().replaceAll(' ', '-')}`
}

const DISK_FULL =
  /No space left on device|ENOSPC|enough free space|more space needed on the|There is not enough space on the disk|Disk quota exceeded/i
const OUT_OF_MEMORY =
  /Out of memory: Kill|invoked oom-killer|oom-kill:|Cannot allocate memory|ENOMEM|heap out of memory|java\.lang\.OutOfMemoryError/
const KILLED = /exit(?:ed with)?(?: non-zero exit)?(?: status| code):? 137\b/
const CLOUD_INIT_FAILED =
  /cloud-init.*(?:Failed|Traceback|\bERROR\b|\bCRITICAL\b)|Failed (?:to run module|running \/var\/lib\/cloud)|Failed to start .*cloud/i
const CLOUD_INIT_STATUS = /^\.*\s*status: (?:error|degraded)/
const NOT_BOOTED = /Kernel panic|emergency mode|Could not boot|Give root password for maintenance|Unable to mount root/i
const BOOTED = /cloud-init v\..* finished|login: *$/i

/** All diagnoses. The first that matches is the most specific one. */
export const DIAGNOSES: readonly Diagnosis[] = [
  {
    name: 'Credentials expired',
    sentence:
      "The credentials expired before the bake ended, or the runner's clock is wrong. Use credentials that last longer than " +
      'the bake: role-duration-seconds of aws-actions/configure-aws-credentials.',
    matches: evidence => hasEc2Error(evidence, /\b(?:RequestExpired|ExpiredToken(?:Exception)?)\b/),
  },
  {
    name: 'Quota reached',
    sentence:
      "The account's quota for instances or volumes is used up. Run the job again when other instances have ended, or " +
      'raise the quota in Service Quotas.',
    matches: evidence =>
      hasEc2Error(
        evidence,
        /\b(?:VcpuLimitExceeded|InstanceLimitExceeded|VolumeLimitExceeded|MaxSpotInstanceCountExceeded)\b/,
      ),
  },
  {
    name: 'No capacity',
    sentence:
      'EC2 has no capacity for this instance type in this Availability Zone at the moment. Run the job again later, or ' +
      'set another instance_type or subnet in the template.',
    matches: evidence =>
      hasEc2Error(
        evidence,
        /\bInsufficient(?:Instance|Host|ReservedInstance|Volume)?Capacity\b|\b(?:UnfulfillableCapacity|SpotMaxPriceTooLow)\b|capacity-not-available/,
      ),
  },
  {
    name: 'KMS key not usable',
    sentence:
      "The KMS key of a disk can't be used: it is disabled, pending deletion or missing, or the role of this job may not " +
      'use it. Enable the key, or allow its use in IAM and in its key policy.',
    matches: evidence =>
      hasEc2Error(
        evidence,
        /\bInvalidKMSKey\b|\bInvalidKmsKey|KMSInvalidState|KMSKeyNotAccessible|KMS key .*(?:disabled|pending|incorrect state)|Client error on launch/i,
      ),
  },
  {
    name: 'Disk full',
    sentence:
      "A disk of the instance is full. Set a larger volume_size in the template's launch_block_device_mappings, or delete " +
      'what the provisioners no longer need.',
    matches: evidence => isOfInstance(evidence) && hasInstanceOutput(evidence, DISK_FULL),
  },
  {
    name: 'Out of memory',
    sentence:
      'The instance had too little memory, and its kernel killed a process. Set an instance_type with more memory in the ' +
      'template, or add swap space.',
    matches: evidence =>
      isOfInstance(evidence) && (KILLED.test(evidence.failure) || hasInstanceOutput(evidence, OUT_OF_MEMORY)),
  },
  {
    name: 'cloud-init failed',
    sentence:
      'cloud-init reported an error while the instance booted. Correct the user data of the template; /var/log/cloud-init-output.log ' +
      'on the instance has its output.',
    matches: evidence =>
      evidence.output.some(line => CLOUD_INIT_STATUS.test(line)) ||
      (isOfConnection(evidence) && evidence.console.some(line => CLOUD_INIT_FAILED.test(line))),
  },
  {
    name: 'Instance did not boot',
    sentence:
      'The operating system of the instance did not boot. Check the base image, the instance type (drivers, architecture) ' +
      'and the disks in the template.',
    matches: evidence => isOfConnection(evidence) && evidence.console.some(line => NOT_BOOTED.test(line)),
  },
  {
    name: 'User or key refused',
    sentence:
      'The instance answered, but refused the user or the key. Set ssh_username to the user of the base image, such as ' +
      'ec2-user, ubuntu or admin.',
    matches: ({ failure }) => /unable to authenticate|authentication error|http response error: 401/i.test(failure),
  },
  {
    name: 'cloud-init not finished',
    sentence:
      'Packer could not connect to the instance while cloud-init was still running. Increase ssh_timeout in the template, or ' +
      'shorten the user data.',
    matches: evidence => {
      const { console } = evidence
      const isStarted = console.some(line => /cloud-init/i.test(line))
      return isOfConnection(evidence) && isStarted && !console.some(line => BOOTED.test(line))
    },
  },
  {
    name: 'No connection',
    sentence:
      'Packer could not connect to the instance: its security group does not allow the address of the runner, its subnet has ' +
      'no route to the runner (in a public subnet set associate_public_ip_address), or its SSH server does not run.',
    matches: isOfConnection,
  },
  {
    name: 'Provisioner failed',
    sentence: 'A command of a provisioner failed. The last lines that it printed show why; correct it in the template.',
    matches: ({ failure }) =>
      /exited with non-zero exit status|non-zero exit code|Error executing Ansible/i.test(failure),
  },
]

/**
 * Whether EC2 reported such an error: in Packer's reason, or in the line that Packer prints when an instance does not start
 * (packer-plugin-amazon, step_run_source_instance.go). Programs on the instance print codes of AWS too.
 */
function hasEc2Error({ failure, output }: Evidence, pattern: RegExp): boolean {
  const details = output.filter(line => line.startsWith('Instance state change details: '))
  return [failure, ...details].some(text => pattern.test(text))
}

/** Whether Packer could not connect (packer-plugin-sdk, communicator/step_connect_ssh.go and step_connect_winrm.go). */
function isOfConnection({ failure }: Evidence): boolean {
  return /Timeout waiting for (?:SSH|WinRM)|Error waiting for (?:SSH|WinRM)|ssh: handshake failed|trying to connect via SSH/i.test(
    failure,
  )
}

/** Whether what the instance printed can explain the failure: a program failed on it, or it did not answer. */
function isOfInstance(evidence: Evidence): boolean {
  return isOfConnection(evidence) || !/\bapi error\b|Error waiting for AMI/.test(evidence.failure)
}

function hasInstanceOutput({ output, console }: Evidence, pattern: RegExp): boolean {
  return [...output, ...console].some(line => pattern.test(line))
}
