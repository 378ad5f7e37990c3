import { execFile } from 'node:child_process'

export interface OsUser {
  name: string
  uid: number
  gid: number
}

interface ExecOptions {
  /** Run as this user; only root can. */
  user?: OsUser | undefined
  timeoutMs?: number
  input?: string
}

const defaultTimeoutMs = 60_000
const maxOutputBytes = 16 * 1024 * 1024

/**
 * Runs a short command to its end and answers its stdout. Arguments are an array, never a shell
 * string. Rejects with the command's name and the end of its stderr; the errno or exit code is in
 * the cause's `code`. Secrets do not belong in `args`: pass them in `input`.
 */
export async function exec(
  file: string,
  args: readonly string[],
  options: ExecOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      args,
      {
        ...(options.user && { uid: options.user.uid, gid: options.user.gid }),
        cwd: '/',
        timeout: options.timeoutMs ?? defaultTimeoutMs,
        maxBuffer: maxOutputBytes,
      },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout)
        const detail = stderr.trim().slice(-2000) || error.message
        reject(new Error(`${file.split('/').at(-1)} failed: ${detail}`, { cause: error }))
      },
    )
    // The command may end before it has read its input.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input ?? '')
  })
}
