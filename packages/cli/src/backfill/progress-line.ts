import type { Cli } from '../cli.ts'
import { formatDuration } from '../format.ts'
import type { Totals, Watcher } from './run-backfill.ts'

const barCells = 24
const drawMs = 100
const noteMs = 10_000
const clearLine = '\r\u001B[2K'

/** A bar for someone who watches, a line now and then for a log. `rows` is an estimate. */
export function showProgress(cli: Cli, rows: number): Watcher & { end(): void } {
  const { stderr } = cli.output
  const isTerminal = stderr.isTTY === true
  const start = performance.now()
  let first: number | undefined
  let last = isTerminal ? -Infinity : start
  let reason: string | undefined
  const show = (text: string) => {
    if (isTerminal) stderr.write(`${clearLine}${text.slice(0, (stderr.columns || 80) - 1)}`)
    else cli.output.note(text)
  }
  const isDue = () => {
    const now = performance.now()
    if (now - last < (isTerminal ? drawMs : noteMs)) return false
    last = now
    return true
  }
  return {
    onBatch(totals, batchRows) {
      reason = undefined
      first ??= totals.rowsVisited
      const speed = (totals.rowsVisited - first) / ((performance.now() - start) / 1000)
      if (isDue()) show(progressText(totals, { rows, speed, batchRows, bar: isTerminal }))
    },
    onWait(next) {
      if (next === reason && !isDue()) return
      reason = next
      show(`Waiting for ${next}.`)
    },
    end() {
      if (isTerminal) stderr.write(clearLine)
    },
  }
}

interface Estimate {
  rows: number
  /** Rows a second. */
  speed: number
  batchRows: number
  bar: boolean
}

/** `[####----] 42% of about 10000 rows, 1234 changed, batches of 200, about 12 s left`. */
export function progressText(totals: Totals, { rows, speed, batchRows, bar }: Estimate): string {
  const total = Math.max(rows, totals.rowsVisited, 1)
  const share = totals.rowsVisited / total
  const cells = Math.round(share * barCells)
  const left = speed > 0 ? (total - totals.rowsVisited) / speed : undefined
  return [
    `${bar ? `[${'#'.repeat(cells)}${'-'.repeat(barCells - cells)}] ` : ''}${Math.floor(share * 100)}%` +
      ` of about ${total} rows`,
    `${totals.rowsChanged} changed`,
    `batches of ${batchRows}`,
    ...(left === undefined ? [] : [`about ${formatDuration(left)} left`]),
  ].join(', ')
}
