import { execFileSync } from 'node:child_process'
import path from 'node:path'

/** An independent implementation of the checksum to compare with, when the environment names one. */
export const REFERENCE = process.env.CHECKSUM_REFERENCE

/** Runs the script once for each line of arguments, in one process. */
const DRIVER = `
import contextlib, io, json, runpy, sys
script = sys.argv[1]
for line in sys.stdin.buffer:
    sys.argv = [script, *json.loads(line)]
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            runpy.run_path(script, run_name="__main__")
        print(json.dumps(printed.getvalue().strip()))
    except SystemExit as refusal:
        print(json.dumps(f"refused: {refusal}"))
`

/** Runs the reference with each of these lists of arguments, and returns its outputs. */
export function runReference(calls: readonly (readonly string[])[]): string[] {
  const printed = execFileSync('python3', ['-c', DRIVER, path.resolve(REFERENCE ?? '')], {
    input: calls.map(entries => `${JSON.stringify(entries)}\n`).join(''),
    env: { ...process.env, PYTHONUTF8: '1' },
    encoding: 'utf8',
  })
  return printed
    .trim()
    .split('\n')
    .map(line => String(JSON.parse(line)))
}
