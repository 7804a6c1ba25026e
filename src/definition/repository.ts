import fs from 'node:fs'
import path from 'node:path'
import { type BytePath, toBytePath, toFileSystem } from './byte-path.ts'

/**
 * A path below the top of a Git repository, with `/` between its parts; empty for the top itself. It is text: bytes that are
 * not UTF-8 are what Node makes of them, here and in Git's answers.
 */
export type GitPath = string

/** Finds the path of a file in the repository, `undefined` for one that is outside. */
export interface Locator {
  /** The last part of the path may be a link, which is not followed, or not exist. */
  file(file: BytePath): GitPath | undefined
  /** Links are followed. */
  directory(directory: BytePath): GitPath | undefined
}

/**
 * Makes a locator. All that is in a repository inside the repository (a submodule, mostly) has the path of that repository:
 * Git knows no more of it.
 */
export function createLocator(top: string): Locator {
  const root = realPath(toBytePath(top))
  const known = new Map<BytePath, Place | undefined>([[root, { path: '', isNested: false }]])
  const realPaths = new Map<BytePath, BytePath>()

  function resolve(directory: BytePath): BytePath {
    const real = realPaths.get(directory) ?? realPath(directory)
    realPaths.set(directory, real)
    return real
  }
  function find(directory: BytePath): Place | undefined {
    if (!known.has(directory)) known.set(directory, directory === '/' ? undefined : below(directory))
    return known.get(directory)
  }
  function below(directory: BytePath): Place | undefined {
    const above = find(path.posix.dirname(directory))
    if (!above || above.isNested) return above
    const isNested = fs.existsSync(toFileSystem(`${directory}/.git`))
    return { path: join(above, directory), isNested }
  }
  function file(place: BytePath): GitPath | undefined {
    const above = find(resolve(path.posix.dirname(place)))
    return !above || above.isNested ? above?.path : join(above, place)
  }
  return { file, directory: place => find(resolve(place))?.path }
}

interface Place {
  readonly path: GitPath
  /** It is the top of a repository inside the repository, or below it. */
  readonly isNested: boolean
}

function join(above: Place, place: BytePath): GitPath {
  return path.posix.join(above.path, Buffer.from(path.posix.basename(place), 'latin1').toString())
}

/** The path without links; of what does not exist, the part that does. */
export function realPath(place: BytePath): BytePath {
  try {
    return fs.realpathSync.native(toFileSystem(place), 'buffer').toString('latin1')
  } catch {
    const above = path.posix.dirname(place)
    return above === place ? place : path.posix.join(realPath(above), path.posix.basename(place))
  }
}
