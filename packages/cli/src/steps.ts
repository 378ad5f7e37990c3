import type { Cli } from './cli.ts'

/** Shows what is going on, step by step, on stderr. */
export interface Steps {
  step(message: string): void
  /** Ends the last step well. */
  done(): void
  fail(): void
}

const frames = ['⠋', '⠙', '⠸', '⠴', '⠦', '⠇']
const frameMs = 100
/** To the beginning of the line, and all that is on it away. */
const clearLine = '\r\u001B[2K'

/**
 * A spinner for someone who watches, plain lines for a log. It leaves the keyboard alone, so that
 * Ctrl-C stays the signal that ends what is being waited for.
 */
export function createSteps(cli: Cli): Steps {
  const { output } = cli
  if (output.stderr.isTTY !== true) {
    return { step: (message) => output.note(message), done: () => undefined, fail: () => undefined }
  }
  let current: { message: string; timer: NodeJS.Timeout } | undefined
  const end = (mark: string) => {
    if (!current) return
    clearInterval(current.timer)
    output.stderr.write(`${clearLine}${mark} ${current.message}\n`)
    current = undefined
  }
  const done = () => end(output.style('green', '✔'))
  return {
    step(message) {
      done()
      current = { message, timer: spin(cli, message) }
    },
    done,
    fail: () => end(output.style('red', '✖')),
  }
}

function spin({ output }: Cli, message: string): NodeJS.Timeout {
  let at = 0
  const draw = () => {
    output.stderr.write(`${clearLine}${output.style('cyan', frames[at] ?? '')} ${message}`)
    at = (at + 1) % frames.length
  }
  draw()
  return setInterval(draw, frameMs)
}
