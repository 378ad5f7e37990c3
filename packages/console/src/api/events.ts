/**
 * What changes on the platform, as it says so by server-sent events. Events carry no data: they make
 * TanStack Query read anew what is on the screen. While the stream is away everything is older than it
 * looks, so the layout says so, and its return makes everything be read anew.
 */
import { apiBasePath, type Change, eventsUrl } from '@coppice/api/client'
import { notifications } from '@mantine/notifications'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'

import { formatAction } from '../ui/format.ts'
import { gather, keysOf } from './gather.ts'
import { sessionKey } from './queries.ts'

export type LiveState = 'connecting' | 'live' | 'disconnected'

/** Where the browser gives up by itself: after an answer that is no stream. */
const reconnectMs = 3000

/** Keeps the caches current while it is mounted, and answers whether it does. */
export function useLiveUpdates(): LiveState {
  const client = useQueryClient()
  const [state, setState] = useState<LiveState>('connecting')
  useEffect(() => {
    let source: EventSource | undefined
    let retry: ReturnType<typeof setTimeout> | undefined
    const gathered = gather(async (keys) => {
      await Promise.all(keys.map(async (queryKey) => client.invalidateQueries({ queryKey })))
    })
    const open = (): void => {
      source = new EventSource(apiBasePath + eventsUrl)
      source.addEventListener('ready', () => {
        setState('live')
        gathered.add([])
      })
      source.addEventListener('change', (event: MessageEvent<string>) => {
        const change = JSON.parse(event.data) as Change
        for (const key of keysOf(change)) gathered.add(key)
        if (change.kind === 'operations' && change.status === 'failed') tellFailure(change)
      })
      source.addEventListener('error', () => {
        setState('disconnected')
        if (source?.readyState !== EventSource.CLOSED) return
        retry = setTimeout(open, reconnectMs)
        // It may be the session that is over.
        void client.invalidateQueries({ queryKey: sessionKey })
      })
    }
    open()
    return () => {
      source?.close()
      clearTimeout(retry)
      gathered.stop()
    }
  }, [client])
  return state
}

/** What was begun elsewhere, or long ago, fails in silence otherwise. Why is on the operations' page. */
function tellFailure({ action = '' }: Change): void {
  notifications.show({
    color: 'red',
    title: `${formatAction(action)}: failed`,
    message: 'The page of operations says why.',
  })
}
