import { spawn } from 'node:child_process'
import { join } from 'node:path'

import { run, type TestPlatform } from '../test/platform.ts'

/** pgbench on a compute's own socket, as its superuser: load without the gateway in the way. */
export interface Load {
  stop(): Promise<number>
}

export const socketOf = (platform: TestPlatform, endpointId: string): string =>
  join(platform.home, 'run', endpointId)

export async function fillDatabase(socket: string, scale: number): Promise<void> {
  const args = ['-h', socket, '-U', 'cloud_admin', '-i', '-q', '-s', String(scale), 'neondb']
  await run('pgbench', args, { timeout: 600_000 })
  await run('psql', ['-h', socket, '-U', 'cloud_admin', '-d', 'neondb', '-qc', 'checkpoint'])
}

/** TPC-B with 8 clients: at `rate` transactions a second, or as many as there go. */
export function startLoad(socket: string, rate: number | 'saturated'): Load {
  const pace = rate === 'saturated' ? [] : ['-R', String(rate)]
  const fixed = ['-h', socket, '-U', 'cloud_admin', '-n', '-c', '8', '-j', '1', '-T', '3600']
  const child = spawn('pgbench', [...fixed, '-P', '1', ...pace, 'neondb'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const rates: number[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    for (const match of text.matchAll(/([\d.]+) tps/g)) rates.push(Number(match[1]))
  })
  return {
    /** Answers the transactions per second that it made, seconds with branching included. */
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGINT')
      await ended
      return rates.reduce((sum, one) => sum + one, 0) / Math.max(1, rates.length)
    },
  }
}
