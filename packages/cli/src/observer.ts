import type { Observer } from '@coppice/migrate/observer'

import type { Cli } from './cli.ts'

/** The terminal as the one who is told, and Ctrl-C as the way to call off what has begun. */
export function observerOf({ output }: Cli): Observer {
  return {
    note: (text) => output.note(text),
    progress: (text) => output.progress(text),
    onCancel(cancel) {
      process.once('SIGINT', cancel)
      return () => void process.off('SIGINT', cancel)
    },
  }
}
