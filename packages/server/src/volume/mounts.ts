import { readFile } from 'node:fs/promises'

import { errorCode } from '../lib/errors.ts'

export interface Mount {
  mountPoint: string
  fileSystem: string
  /** The device, for a file system that has one. */
  source: string
}

/** What is mounted on exactly this directory, the topmost; undefined where nothing is (proc_pid_mountinfo(5)). */
export async function findMount(mountPoint: string): Promise<Mount | undefined> {
  return (await readMounts()).findLast((mount) => mount.mountPoint === mountPoint)
}

async function readMounts(): Promise<Mount[]> {
  try {
    return parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8'))
  } catch (error) {
    // Not Linux: nothing that could be mounted by us.
    if (errorCode(error) === 'ENOENT') return []
    throw error
  }
}

export function parseMountinfo(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    // The number of optional fields varies; a dash ends them.
    const [before, after] = line.split(' - ')
    const mountPoint = before?.split(' ')[4]
    const [fileSystem, source] = after?.split(' ') ?? []
    if (mountPoint === undefined || fileSystem === undefined || source === undefined) return []
    return [{ mountPoint: unescapeOctal(mountPoint), fileSystem, source: unescapeOctal(source) }]
  })
}

/** Spaces, tabs, newlines and backslashes are written as `\040` and so on. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  )
}
