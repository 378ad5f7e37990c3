import { readFileSync } from 'node:fs'

import { errorCode } from '../lib/errors.ts'

/** `USER_HZ`: 100 on every architecture of Linux that Node runs on. */
const ticksPerSecond = 100

/** Of `/proc/<pid>/stat` after the command's name: of the process, and of its children that have ended. */
const timeFields = [11, 12, 13, 14]

/**
 * Processor time of a postmaster with all its backends, also those that have ended, in ms. Undefined where
 * it cannot be known: not on Linux, or the process is gone.
 */
export function processTreeCpuMs(pid: number): number | undefined {
  const own = cpuTicks(pid)
  if (own === undefined) return undefined
  const children = read(`/proc/${pid}/task/${pid}/children`) ?? ''
  const ticks = children
    .split(' ')
    .filter((child) => child !== '')
    // One that ends in between is counted with its parent next time.
    .reduce((sum, child) => sum + (cpuTicks(Number(child)) ?? 0), own)
  return Math.round((ticks * 1000) / ticksPerSecond)
}

function cpuTicks(pid: number): number | undefined {
  const text = read(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  // The command's name may itself hold spaces and brackets.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return timeFields.reduce((sum, field) => sum + Number(fields[field]), 0)
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(errorCode(error) ?? '')) return undefined
    throw error
  }
}
