import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { posix } from 'node:path'
import ssh2, { type Connection, type ServerChannel, type Session, type SFTPWrapper } from 'ssh2'

/** What Packer had run on the instance: the line, and the uploaded script it starts, if it starts one. */
export interface Command {
  readonly line: string
  readonly script: string | undefined
}

/** How a command ends; whatever is missing is empty or 0. */
export interface Reply {
  readonly code?: number
  readonly stdout?: string
  readonly stderr?: string
}

export interface InstanceOptions {
  /** Answers a command, at once or later: one whose promise stays open hangs. By default all succeed in silence. */
  readonly exec?: (command: Command) => Reply | undefined | Promise<Reply | undefined>
  /** Lets nobody in. */
  readonly isClosed?: true
}

/** The temporary instance as Packer sees it: an SSH server that lets everyone in by default and does nothing but remember. */
export interface Instance extends AsyncDisposable {
  readonly port: number
  /** All that was run, in order, uploads excepted. */
  readonly commands: readonly Command[]
  /** Bytes by absolute path; what the instance was told to remove stays. */
  readonly uploads: ReadonlyMap<string, Buffer>
  stop(): Promise<void>
}

interface Host extends Pick<InstanceOptions, 'isClosed'> {
  readonly exec: NonNullable<InstanceOptions['exec']>
  readonly commands: Command[]
  readonly uploads: Map<string, Buffer>
}

/** Starts an instance on a free port of the loopback interface. Nothing that is sent to it touches the machine. */
export async function startInstance(options: InstanceOptions = {}): Promise<Instance> {
  const host: Host = { ...options, exec: options.exec ?? (() => undefined), commands: [], uploads: new Map() }
  const ssh = new ssh2.Server({ hostKeys: [makeHostKey()] }, connection => serve(connection, host))
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket.setNoDelay())
    socket.on('close', () => sockets.delete(socket))
    ssh.injectSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const stop = async () => {
    for (const socket of sockets) socket.destroy()
    if (server.listening) await new Promise(resolve => server.close(resolve))
  }
  return { port, commands: host.commands, uploads: host.uploads, stop, [Symbol.asyncDispose]: stop }
}

// Not by ssh2: one in three hundred of its ed25519 keys is one that it can't read itself.
function makeHostKey(): string | Buffer {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' })
}

function serve(connection: Connection, host: Host): void {
  // A client that is killed resets its connection; that is no fault of the instance.
  connection.on('error', () => {})
  connection.on('authentication', context => (host.isClosed ? context.reject() : context.accept()))
  connection.on('session', accept => openSession(accept(), host))
}

function openSession(session: Session, host: Host): void {
  session.on('pty', accept => accept?.())
  session.on('env', accept => accept?.())
  session.on('sftp', accept => receiveBySftp(accept(), host))
  session.on('exec', (accept, _reject, { command }) => {
    const channel = accept()
    channel.on('error', () => {})
    const line = command.trim()
    const target = /^scp -\w*t\w* (?<path>.+)$/.exec(line)?.groups?.path
    const work = target === undefined ? run(line, host) : receiveByScp(channel, target.replaceAll('\\ ', ' '), host)
    work.catch(error => ({ code: 1, stderr: `${error}\n` })).then(reply => finish(channel, reply))
  })
}

async function run(line: string, host: Host): Promise<Reply> {
  const command = { line, script: startedScript(line, host) }
  host.commands.push(command)
  return (await host.exec(command)) ?? {}
}

function startedScript(line: string, host: Host): string | undefined {
  if (/^(chmod|rm) [^;]*$/.test(line)) return undefined
  const path = [...host.uploads.keys()].findLast(upload => line.includes(upload))
  return path && host.uploads.get(path)?.toString()
}

function finish(channel: ServerChannel, { code = 0, stdout = '', stderr = '' }: Reply): void {
  if (!channel.writable) return
  if (stdout) channel.write(stdout)
  if (stderr) channel.stderr.write(stderr)
  channel.exit(code)
  channel.end()
}

/** The receiving half of scp (`scp -t`): lines `Cmode size name`, `Dmode 0 name`, `E`, each answered by a zero byte. */
async function receiveByScp(channel: ServerChannel, target: string, host: Host): Promise<Reply> {
  const input = readInput(channel)
  const directories = [target]
  for (;;) {
    channel.write('\0')
    const line = await input.line()
    if (line === undefined) return {}
    const [, kind, size, name] = /^([CDET])(?:\d+ (\d+) (.+))?/.exec(line) ?? []
    if (kind === undefined) return { code: 1, stderr: `scp: unexpected ${line}\n` }
    if (kind === 'E') directories.pop()
    if (kind === 'D' && name) directories.push(name)
    if (kind !== 'C' || !name) continue
    channel.write('\0')
    host.uploads.set(posix.join(...directories, name), await input.bytes(Number(size)))
    await input.bytes(1)
  }
}

function readInput(channel: ServerChannel) {
  const chunks = channel[Symbol.asyncIterator]()
  let pending = Buffer.alloc(0)
  const more = async () => {
    const { value, done } = await chunks.next()
    if (!done) pending = Buffer.concat([pending, value])
    return !done
  }
  const take = (length: number) => {
    const taken = pending.subarray(0, length)
    pending = pending.subarray(length)
    return taken
  }
  return {
    async line(): Promise<string | undefined> {
      while (!pending.includes('\n')) if (!(await more())) return undefined
      return take(pending.indexOf('\n') + 1)
        .toString()
        .trimEnd()
    },
    async bytes(length: number): Promise<Buffer> {
      while (pending.length < length) if (!(await more())) throw new Error('the sender stopped in mid-file')
      return take(length)
    },
  }
}

/** The file transfer of `ssh_file_transfer_method = "sftp"`, as far as uploads need it: a handle is the file's path. */
function receiveBySftp(sftp: SFTPWrapper, { uploads }: Host): void {
  const { OK } = ssh2.utils.sftp.STATUS_CODE
  const writing = new Map<string, { offset: number; data: Buffer }[]>()
  sftp.on('OPEN', (id, path) => {
    writing.set(path, [])
    sftp.handle(id, Buffer.from(path))
  })
  sftp.on('WRITE', (id, handle, offset, data) => {
    writing.get(handle.toString())?.push({ offset, data })
    sftp.status(id, OK)
  })
  sftp.on('CLOSE', (id, handle) => {
    const pieces = (writing.get(handle.toString()) ?? []).sort((a, b) => a.offset - b.offset)
    uploads.set(handle.toString(), Buffer.concat(pieces.map(({ data }) => data)))
    sftp.status(id, OK)
  })
  sftp.on('FSETSTAT', id => sftp.status(id, OK))
  sftp.on('MKDIR', id => sftp.status(id, OK))
  sftp.on('SETSTAT', id => sftp.status(id, OK))
  sftp.on('end', () => sftp.end())
}
