import { readFile } from 'node:fs/promises'

/** Clock ticks a second in /proc: 100 on every Linux of today. */
const ticksPerSecond = 100
const sampleEveryMs = 50

/** CPU time and memory of one process, from Linux's /proc. */
export class ProcessUsage {
  readonly #processId: number
  /** Wall clock in ms, CPU seconds used until then. */
  readonly #samples: [atMs: number, cpuSeconds: number][] = []
  #timer: NodeJS.Timeout | undefined

  constructor(processId: number) {
    this.#processId = processId
  }

  /** Notes its CPU time again and again, until `stop`. */
  async start(): Promise<void> {
    this.#samples.length = 0
    await this.#sample()
    this.#timer = setInterval(() => void this.#sample(), sampleEveryMs)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#sample()
  }

  /** CPU seconds, user and system, that it took between two moments of the wall clock. */
  between(fromMs: number, toMs: number): number {
    return this.#at(toMs) - this.#at(fromMs)
  }

  /** Resident memory in bytes. */
  async residentBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.#processId}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024
  }

  async #sample(): Promise<void> {
    const stat = await readFile(`/proc/${this.#processId}/stat`, 'utf8')
    // Fields are counted behind the command's name, which may hold spaces: utime and stime.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = Number(fields[11]) + Number(fields[12])
    this.#samples.push([Date.now(), ticks / ticksPerSecond])
  }

  /** Between two samples, in proportion. */
  #at(atMs: number): number {
    const after = this.#samples.findIndex(([sampledAt]) => sampledAt >= atMs)
    const next = this.#samples[after] ?? this.#samples.at(-1)
    const previous = this.#samples[after - 1] ?? this.#samples[0]
    if (next === undefined || previous === undefined) return NaN
    const share = next[0] === previous[0] ? 0 : (atMs - previous[0]) / (next[0] - previous[0])
    return previous[1] + Math.min(Math.max(share, 0), 1) * (next[1] - previous[1])
  }
}
