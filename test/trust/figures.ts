import { appendFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import { repository } from '../platform.ts'
import { isLong, seed } from './form.ts'

/** One part's, one line in this file, from which the table of docs/reliability.md is made by hand. */
export const figuresFile = join(repository, 'test', 'figures', 'trust.jsonl')

/** What a part of the suite has done: counted while it runs, printed and written when it ends. */
export class Figures {
  readonly #part: string
  readonly #startMs = performance.now()
  readonly #counts = new Map<string, number>()

  constructor(part: string) {
    this.#part = part
  }

  add(what: string, count = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + count)
  }

  set(what: string, count: number): void {
    this.#counts.set(what, count)
  }

  async write(): Promise<void> {
    const seconds = Math.round((performance.now() - this.#startMs) / 1000)
    const line = JSON.stringify({
      part: this.#part,
      form: isLong ? 'long' : 'short',
      seed,
      seconds,
      ...Object.fromEntries(this.#counts),
    })
    process.stdout.write(`${line}\n`)
    await mkdir(join(figuresFile, '..'), { recursive: true })
    await appendFile(figuresFile, `${line}\n`)
  }
}
