import { useEffect, useState } from 'react'
import { useSearchParams } from 'react-router'

import { type Moment, momentParam, parseMoment } from '../../ui/moment.ts'

/** Until what is dragged stands in the address: browsers refuse to change it at every step. */
const settleMs = 250

/** The moment that is looked at, as `at` of the address; undefined where none was chosen. */
export function useMoment(): [Moment | undefined, (moment: Moment) => void] {
  const [params, setParams] = useSearchParams()
  const [openedMs] = useState(Date.now)
  const [moving, setMoving] = useState<Moment>()
  useEffect(() => {
    if (moving === undefined) return
    const timer = setTimeout(() => {
      setParams(
        (before) => {
          const after = new URLSearchParams(before)
          after.set('at', momentParam(moving))
          return after
        },
        { replace: true },
      )
      setMoving(undefined)
    }, settleMs)
    return () => clearTimeout(timer)
  }, [moving, setParams])
  return [moving ?? parseMoment(params.get('at') ?? '', openedMs), setMoving]
}
