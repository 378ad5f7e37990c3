import type { Cli } from './cli.ts'
import { formatBytes } from './format.ts'
import { followProgram, type ProgramEvent } from './platform-program.ts'

const barCells = 24
const noteMs = 10_000
const clearLine = '\r\u001B[2K'

/** Runs a command of the platform's own program to its end, and shows how far it has come. Its answer. */
export async function runWithProgress(
  cli: Cli,
  args: readonly string[],
): Promise<Record<string, unknown>> {
  const progress = createProgramProgress(cli)
  try {
    return await followProgram(cli, args, (event) => progress.show(event))
  } finally {
    progress.end()
  }
}

/** A bar for someone who watches, a line now and then for a log. */
function createProgramProgress(cli: Cli): {
  show(event: ProgramEvent): void
  end(): void
} {
  const { stderr } = cli.output
  const isTerminal = stderr.isTTY === true
  let noted = performance.now()
  return {
    show(event) {
      if (event.event === 'step') {
        if (isTerminal) stderr.write(clearLine)
        cli.output.note(event.message)
      } else if (isTerminal) {
        const text = progressText(event, { bar: true })
        stderr.write(`${clearLine}${text.slice(0, (stderr.columns || 80) - 1)}`)
      } else if (performance.now() - noted > noteMs) {
        noted = performance.now()
        cli.output.note(progressText(event, { bar: false }))
      }
    },
    end() {
      if (isTerminal) stderr.write(clearLine)
    },
  }
}

/** `[######------] 25%, 1.2 GB, feature/x`, or how many where it is not known of how many. */
export function progressText(
  { done, total, bytes, message }: Extract<ProgramEvent, { event: 'progress' }>,
  { bar }: { bar: boolean },
): string {
  const share = total === undefined || total === 0 ? undefined : Math.min(done / total, 1)
  const cells = Math.round((share ?? 0) * barCells)
  const parts = [
    share === undefined
      ? `${done} objects`
      : `${bar ? `[${'#'.repeat(cells)}${'-'.repeat(barCells - cells)}] ` : ''}${Math.floor(share * 100)}%`,
    bytes === undefined ? '' : formatBytes(bytes),
    message ?? '',
  ]
  return parts.filter((part) => part !== '').join(', ')
}
