/**
 * Makes sure that this operating system is supported.
 *
 * @throws Error on Windows: its paths sort in another order and its checkouts change line ends, so that the checksum would
 *   differ; and Packer can't be asked to clean up there.
 */
export function assertSupportedPlatform(): void {
  if (process.platform !== 'win32') return
  throw new Error('runs-on: AMI Bakery does not run on Windows. Specify a Linux or macOS runner, like ubuntu-latest.')
}

/** Whether `https.Agent` has the option `proxyEnv`, which Node has since 24.5.0 (nodejs/node#58980). */
export function supportsProxies(): boolean {
  const [major = 0, minor = 0] = process.version.slice(1).split('.').map(Number)
  return major > 24 || (major === 24 && minor >= 5)
}
