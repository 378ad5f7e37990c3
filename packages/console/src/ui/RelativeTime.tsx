import { Text, Tooltip } from '@mantine/core'
import { type ReactNode, useEffect, useState } from 'react'

import { formatMoment, formatRelative } from './format.ts'

const tickMs = 10_000

/** The present, anew every ten seconds: for what tells how long ago something was. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), tickMs)
    return () => clearInterval(timer)
  }, [])
  return now
}

/** `3 minutes ago`, which stays true; the moment itself on hover. A dash where there is none. */
export function RelativeTime({ at }: { at: string | undefined }): ReactNode {
  const now = useNow()
  if (at === undefined) return <Text span>–</Text>
  return (
    <Tooltip label={formatMoment(at)}>
      <time dateTime={at}>{formatRelative(at, now)}</time>
    </Tooltip>
  )
}
