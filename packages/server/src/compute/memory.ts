import { readFile } from 'node:fs/promises'

import { childrenOf } from './processes.ts'

/**
 * Bytes of memory that a postmaster and its children take, each page that several share counted once in
 * sum (proportional set size). Undefined where the system does not tell, or the process is gone.
 */
export async function memoryBytes(postmasterPid: number): Promise<number | undefined> {
  const children = await childrenOf(postmasterPid)
  const sizes = await Promise.all([postmasterPid, ...children].map(proportionalBytes))
  if (sizes[0] === undefined) return undefined
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0)
}

async function proportionalBytes(pid: number): Promise<number | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')
    const kibibytes = /^Pss:\s+(\d+) kB$/m.exec(text)?.[1]
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
  } catch {
    // It may have ended since it was listed.
    return undefined
  }
}
