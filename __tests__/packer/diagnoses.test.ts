import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { DIAGNOSES, describeDiagnosis, diagnose, type Evidence } from '../../src/packer/diagnoses.ts'

const TIMEOUT = 'Timeout waiting for SSH.'
const SCRIPT = 'Script exited with non-zero exit status: 1. Allowed exit codes are: [0]'
const apiError = (code: string) =>
  `Error launching source instance: operation error EC2: RunInstances, https response error StatusCode: 400, RequestID: 0, api error ${code}: no`

const KNOWN: readonly (readonly [name: string, evidence: Partial<Evidence>])[] = [
  ['Credentials expired', { failure: apiError('RequestExpired') }],
  ['Credentials expired', { failure: apiError('ExpiredToken') }],
  ['Quota reached', { failure: apiError('InstanceLimitExceeded') }],
  ['Quota reached', { failure: apiError('MaxSpotInstanceCountExceeded') }],
  ['No capacity', { failure: apiError('InsufficientInstanceCapacity') }],
  ['No capacity', { failure: apiError('InsufficientHostCapacity') }],
  ['No capacity', { failure: 'Error waiting for fleet request: UnfulfillableCapacity' }],
  ['KMS key not usable', { failure: apiError('InvalidKMSKey.InvalidState') }],
  [
    'KMS key not usable',
    {
      failure: "Error waiting for instance (i-0) to become ready: unexpected state 'terminated'",
      output: ['Instance state change details: Server.InternalError: Client.InternalError: Client error on launch'],
    },
  ],
  ['Disk full', { failure: SCRIPT, output: ["cp: error writing '/x': No space left on device"] }],
  ['Disk full', { failure: SCRIPT, output: ["E: You don't have enough free space in /var/cache/apt/archives/."] }],
  ['Disk full', { failure: SCRIPT, output: ['  At least 31MB more space needed on the / filesystem.'] }],
  ['Disk full', { failure: TIMEOUT, console: ['[ 9.1] cloud-init[1]: OSError: [Errno 28] No space left on device'] }],
  ['Out of memory', { failure: SCRIPT.replace('1.', '137.') }],
  ['Out of memory', { failure: SCRIPT, output: ['FATAL ERROR: Reached heap limit - JavaScript heap out of memory'] }],
  ['Out of memory', { failure: SCRIPT, console: ['[ 9.1] Out of memory: Killed process 4711 (node) total-vm:1kB'] }],
  ['cloud-init failed', { failure: SCRIPT, output: ['', '.....status: error'] }],
  ['cloud-init failed', { failure: TIMEOUT, console: ['[FAILED] Failed to start cloud-final.service - Cloud-init.'] }],
  ['cloud-init failed', { failure: TIMEOUT, console: ['cloud-init[1]: Traceback (most recent call last):'] }],
  ['Instance did not boot', { failure: TIMEOUT, console: ['[ 1.1] Kernel panic - not syncing: VFS: Unable to mount'] }],
  ['User or key refused', { failure: 'ssh: handshake failed: ssh: unable to authenticate, attempted methods [none]' }],
  ['User or key refused', { failure: 'Timeout waiting for WinRM: http response error: 401 - invalid content type' }],
  [
    'cloud-init not finished',
    { failure: TIMEOUT, console: ["[ 9.1] cloud-init[1]: Cloud-init v. 24.2 running 'init'"] },
  ],
  ['No connection', { failure: TIMEOUT }],
  ['No connection', { failure: 'Timeout waiting for WinRM.' }],
  ['No connection', { failure: TIMEOUT, console: ['Cloud-init v. 24.2 finished at Mon', 'ip-10-0-0-1 login:'] }],
  ['No connection', { failure: TIMEOUT, console: ['[ 1.1] Linux version 6.12'] }],
  ['Provisioner failed', { failure: SCRIPT }],
]

const UNKNOWN: readonly (readonly [what: string, evidence: Partial<Evidence>])[] = [
  ['no evidence', {}],
  ['a code of EC2 that a program on the instance prints', { failure: 'It broke.', output: ['api error ExpiredToken'] }],
  ['a disk that was full, but a refusal of EC2', { failure: apiError('X'), output: ['No space left on device'] }],
  ['a warning of cloud-init, but no failed connection', { failure: 'It broke.', console: ['cloud-init: Failed'] }],
  ['words that contain a code', { failure: 'MyInsufficientInstanceCapacityError' }],
]

const make = (evidence: Partial<Evidence>): Evidence => ({ failure: '', output: [], console: [], ...evidence })

describe('the diagnosis', () => {
  test.each(KNOWN)('%s is found in %j', (name, evidence) => {
    expect(diagnose(make(evidence))?.name).toBe(name)
  })

  test.each(UNKNOWN)('nothing is found in %s', (_, evidence) => {
    expect(diagnose(make(evidence))?.name).toBeUndefined()
  })

  test('every diagnosis has a case here, and a sentence on one line with a link', () => {
    expect([...new Set(KNOWN.map(([name]) => name))]).toEqual(DIAGNOSES.map(({ name }) => name))
    for (const known of DIAGNOSES) expect(describeDiagnosis(known)).toMatch(/^Diagnosis: .+\. .+\. https:\S+#[\w-]+$/)
  })

  test('docs/diagnoses.md has a section for every diagnosis, with its sentence and what to do', () => {
    const page = fs.readFileSync(new URL('../../docs/diagnoses.md', import.meta.url), 'utf8')
    const [, ...sections] = page.split(/^## /m)
    expect(sections.map(section => section.replace(/\n.*/s, ''))).toEqual(DIAGNOSES.map(({ name }) => name))
    for (const [index, { sentence }] of DIAGNOSES.entries()) {
      const section = sections[index]?.replaceAll(/\n(?:> )?/g, ' ') ?? ''
      expect(section).toContain(sentence)
      for (const part of ['**It looks like:**', '**Causes:**', '**What to do:**']) expect(section).toContain(part)
    }
  })
})
