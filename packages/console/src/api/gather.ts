import type { Change } from '@coppice/api/client'
import type { QueryKey } from '@tanstack/react-query'

/** Many changes at once, as of 100 branches being made, are one reading. */
const gatherMs = 250

/** What a change makes out of date. A branch's row also holds sizes, roles and databases change theirs. */
export function keysOf({ kind, project_id }: Change): QueryKey[] {
  if (project_id === undefined) return [[kind]]
  const key: QueryKey = [kind, project_id]
  if (kind === 'projects') return [['projects']]
  if (kind === 'endpoints') return [key, ['platform']]
  return [key]
}

interface Gathered {
  add(key: QueryKey): void
  stop(): void
}

/** Collects keys for a moment, and while what was collected before is still being read. */
export function gather(read: (keys: QueryKey[]) => Promise<void>): Gathered {
  const waiting = new Map<string, QueryKey>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let isReading = false
  let isStopped = false
  const schedule = (): void => {
    if (isStopped || isReading || timer !== undefined || waiting.size === 0) return
    timer = setTimeout(() => {
      timer = undefined
      isReading = true
      const keys = [...waiting.values()]
      waiting.clear()
      void read(keys).finally(() => {
        isReading = false
        schedule()
      })
    }, gatherMs)
  }
  return {
    add: (key) => {
      waiting.set(JSON.stringify(key), key)
      schedule()
    },
    stop: () => {
      isStopped = true
      clearTimeout(timer)
    },
  }
}
