import { readdirSync, readFileSync } from 'node:fs'

import { run } from '../platform.ts'

/** Leaves processes only so many file descriptors more than they have open, while the work is done. */
export async function whileFewDescriptors<T>(
  pids: readonly number[],
  more: number,
  work: () => Promise<T>,
): Promise<T> {
  const before = pids.map((pid) => ({ pid, limit: softLimit(pid) }))
  try {
    for (const pid of pids) {
      await setSoftLimit(pid, String(readdirSync(`/proc/${pid}/fd`).length + more))
    }
    return await work()
  } finally {
    for (const { pid, limit } of before) await setSoftLimit(pid, limit)
  }
}

function softLimit(pid: number): string {
  const limits = readFileSync(`/proc/${pid}/limits`, 'utf8')
  return /^Max open files\s+(\S+)/m.exec(limits)?.[1] ?? 'unlimited'
}

async function setSoftLimit(pid: number, limit: string): Promise<void> {
  await run('prlimit', ['--pid', String(pid), `--nofile=${limit}:`])
}
