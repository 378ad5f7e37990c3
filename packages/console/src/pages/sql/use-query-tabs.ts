import { useEffect, useState } from 'react'
import { useSearchParams } from 'react-router'

import { openInTab, type QueryTabs, readTabs, writeTabs } from './query-tabs.ts'

const linkedName = 'Linked query'

/**
 * The tabs of a project, as this browser has kept them. An address with `?sql=` opens one more with that
 * text; it is the person who runs it.
 */
export function useQueryTabs(projectId: string) {
  const [all, setAll] = useState<QueryTabs>(() => readTabs(projectId))
  const [params, setParams] = useSearchParams()
  const linked = params.get('sql')
  useEffect(() => writeTabs(projectId, all), [projectId, all])
  const [opened, setOpened] = useState<string | null>(null)
  if (linked !== opened) {
    setOpened(linked)
    if (linked !== null) setAll(openInTab(all, linked, { name: linkedName }))
  }
  useEffect(() => {
    if (linked === null) return
    setParams(
      (before) => {
        const after = new URLSearchParams(before)
        after.delete('sql')
        return after
      },
      { replace: true },
    )
  }, [linked, setParams])
  return { all, setAll }
}
