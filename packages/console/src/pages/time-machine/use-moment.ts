import { useEffect, useState } from 'react'
import { useSearchParams } from 'react-router'

import { type Moment, momentParam, parseMoment } from '../../ui/moment.ts'

/** Until what is dragged stands in the address: browsers refuse to change it at every step. */
const settleMs = 250

/** The moment that is looked at, first as the address says, then kept there; undefined where none is. */
export function useMoment(): [Moment | undefined, (moment: Moment) => void] {
  const [params, setParams] = useSearchParams()
  const [moment, setMoment] = useState(() => parseMoment(params.get('at') ?? '', Date.now()))
  const at = moment && momentParam(moment)
  useEffect(() => {
    if (at === undefined || at === params.get('at')) return
    const timer = setTimeout(() => {
      setParams(
        (before) => {
          const after = new URLSearchParams(before)
          after.set('at', at)
          return after
        },
        { replace: true },
      )
    }, settleMs)
    return () => clearTimeout(timer)
  }, [at, params, setParams])
  return [moment, setMoment]
}
