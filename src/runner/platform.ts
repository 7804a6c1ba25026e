/**
 * Makes sure that this system can do the job.
 *
 * @throws Error on Windows: its paths sort in another order and its checkouts change line ends, so that the checksum would
 *   be another; nor can Packer be told there to clean up.
 */
export function assertSupportedPlatform(): void {
  if (process.platform !== 'win32') return
  throw new Error(
    'runs-on: AMI Bakery does not run on Windows. Give the job a Linux or macOS runner, like ubuntu-latest.',
  )
}

/** Whether the agents of this Node know `proxyEnv`, an option of 24.5.0 (Node's release notes, nodejs/node#58980). */
export function supportsProxies(): boolean {
  const [major = 0, minor = 0] = process.version.slice(1).split('.').map(Number)
  return major > 24 || (major === 24 && minor >= 5)
}
