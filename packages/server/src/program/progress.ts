import { emit } from './output.ts'

export interface Progress {
  done: number
  /** Undefined where it is not known. */
  total?: number
  bytes?: number
  /** What is being worked on. */
  message?: string
}

const everyMs = 200

/** Tells how far work is, a few times a second. */
export function createProgress(): (progress: Progress) => void {
  let lastMs = -Infinity
  return (progress) => {
    const now = performance.now()
    if (now - lastMs < everyMs) return
    lastMs = now
    emit({ event: 'progress', ...progress })
  }
}
