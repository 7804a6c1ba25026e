import fs from 'node:fs'
import path from 'node:path'
import { type BytePath, toBytePath, toFileSystem } from './byte-path.ts'

/**
 * A path below the top directory of a Git repository, with `/` between its parts; empty for the top directory itself. It is
 * text: Node replaces bytes that are not UTF-8, here and in Git's output.
 */
export type GitPath = string

/** Finds the path of a file in the repository; `undefined` for a file outside of it. */
export interface Locator {
  /** If the last part of the path is a link, it is not followed. It need not exist. */
  file(file: BytePath): GitPath | undefined
  /** Links are followed. */
  directory(directory: BytePath): GitPath | undefined
}

/**
 * Creates a locator. All files in a nested repository, such as a submodule, have the path of that repository: Git does not
 * track their own paths.
 */
export function createLocator(top: string): Locator {
  const root = realPath(toBytePath(top))
  const known = new Map<BytePath, Location | undefined>([[root, { path: '', isNested: false }]])
  const realPaths = new Map<BytePath, BytePath>()

  function resolve(directory: BytePath): BytePath {
    const real = realPaths.get(directory) ?? realPath(directory)
    realPaths.set(directory, real)
    return real
  }
  function find(directory: BytePath): Location | undefined {
    if (!known.has(directory)) known.set(directory, directory === '/' ? undefined : below(directory))
    return known.get(directory)
  }
  function below(directory: BytePath): Location | undefined {
    const above = find(path.posix.dirname(directory))
    if (!above || above.isNested) return above
    const isNested = fs.existsSync(toFileSystem(`${directory}/.git`))
    return { path: join(above, directory), isNested }
  }
  function file(found: BytePath): GitPath | undefined {
    const above = find(resolve(path.posix.dirname(found)))
    return !above || above.isNested ? above?.path : join(above, found)
  }
  return { file, directory: found => find(resolve(found))?.path }
}

interface Location {
  readonly path: GitPath
  /** It is in a nested repository, or the top directory of one. */
  readonly isNested: boolean
}

function join(above: Location, found: BytePath): GitPath {
  return path.posix.join(above.path, Buffer.from(path.posix.basename(found), 'latin1').toString())
}

/** Resolves the links of a path. Parts that do not exist are kept. */
export function realPath(file: BytePath): BytePath {
  try {
    return fs.realpathSync.native(toFileSystem(file), 'buffer').toString('latin1')
  } catch {
    const above = path.posix.dirname(file)
    return above === file ? file : path.posix.join(realPath(above), path.posix.basename(file))
  }
}
