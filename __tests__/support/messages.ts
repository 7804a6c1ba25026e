/** The message of the error that the work throws. */
export async function messageFrom(work: () => unknown): Promise<string> {
  try {
    await work()
  } catch (error) {
    if (error instanceof Error) return error.message
    throw error
  }
  throw new Error('There was no error.')
}
