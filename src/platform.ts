/**
 * Makes sure that this system can do the job.
 *
 * @throws Error on Windows: its paths sort in another order and its checkouts change line ends, so that the checksum would
 *   be another; nor can Packer be told there to clean up.
 */
export function refuseWindows(): void {
  if (process.platform !== 'win32') return
  throw new Error(
    'runs-on: AMI Bakery does not run on Windows. Give the job a Linux or macOS runner, like ubuntu-latest.',
  )
}
