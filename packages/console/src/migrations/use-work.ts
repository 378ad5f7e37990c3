import type { WorkLine } from '@coppice/api'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'

/** What a route that answers in lines is at. */
export interface Work<Result> {
  state: 'idle' | 'running' | 'done' | 'failed'
  /** What it has told so far. */
  told: readonly WorkLine[]
  startedAt: number
  result: Result | undefined
  error: Error | undefined
  /** Begins, in the place of what was before. */
  start: (call: (signal: AbortSignal) => Promise<AsyncIterable<WorkLine | Result>>) => void
  /** Calls it off: the platform removes what it has made. */
  cancel: () => void
}

type Progress<Result> = Omit<Work<Result>, 'start' | 'cancel'>

/** As many lines as anybody reads. */
const toldMax = 500

/** Work of the platform that is watched while it goes on, and called off when its page is left. */
export function useWork<Result extends { type: 'result' }>(
  onDone?: (result: Result) => void,
): Work<Result> {
  const client = useQueryClient()
  const [progress, setProgress] = useState<Progress<Result>>(beginning)
  const leaving = useRef<AbortController>(undefined)
  useEffect(() => () => leaving.current?.abort(), [])
  const start: Work<Result>['start'] = (call) => {
    leaving.current?.abort()
    const own = new AbortController()
    leaving.current = own
    const update = (change: (before: Progress<Result>) => Partial<Progress<Result>>): void => {
      // A call that was called off has nothing more to say.
      if (!own.signal.aborted) setProgress((before) => ({ ...before, ...change(before) }))
    }
    setProgress({ ...beginning(), state: 'running' })
    const run = async (): Promise<void> => {
      let result: Result | undefined
      for await (const line of await call(own.signal)) {
        if (line.type === 'result') result = line
        else if (line.type !== 'alive') {
          update(({ told }) => ({ told: [...told, line].slice(-toldMax) }))
        }
      }
      if (result === undefined) throw new Error('the answer was cut off')
      update(() => ({ state: 'done', result }))
      if (own.signal.aborted) return
      onDone?.(result)
      void client.invalidateQueries({ queryKey: ['branches'] })
    }
    run().catch((error: unknown) =>
      update(() => ({
        state: 'failed',
        error: error instanceof Error ? error : new Error(String(error)),
      })),
    )
  }
  const cancel = (): void => {
    leaving.current?.abort()
    setProgress(beginning())
  }
  return { ...progress, start, cancel }
}

function beginning(): Progress<never> {
  return {
    state: 'idle',
    told: [],
    startedAt: Date.now(),
    result: undefined,
    error: undefined,
  }
}
