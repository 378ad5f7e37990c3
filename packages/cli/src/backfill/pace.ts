/** How many rows the next batch may cover, learnt from how long the last ones took. */
export interface Pace {
  readonly rows: number
  /** A batch is done. `blocked`: others had to wait for it. */
  record(elapsedMs: number, blocked: boolean): void
  /** A batch has failed for others' locks. */
  shrink(): void
}

interface Limits {
  maxRows: number
  targetMs: number
}

/** A batch of unknown cost should be a small one. */
const firstRows = 200
/** One slow batch, say at a checkpoint, must not undo what was learnt; growth is as careful. */
const stepMax = 2

/** Batches that take about `targetMs`, of at most `maxRows`. */
export function createPace({ maxRows, targetMs }: Limits): Pace {
  let rows = Math.min(firstRows, maxRows)
  const scale = (factor: number) => {
    const bounded = Math.min(stepMax, Math.max(1 / stepMax, factor))
    rows = Math.min(maxRows, Math.max(1, Math.round(rows * bounded)))
  }
  return {
    get rows() {
      return rows
    },
    record(elapsedMs, blocked) {
      scale(blocked ? 1 / stepMax : targetMs / Math.max(elapsedMs, 1))
    },
    shrink: () => scale(1 / stepMax),
  }
}
