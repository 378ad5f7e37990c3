import type { PlatformStatus } from '@coppice/api'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { Facts } from './Facts.tsx'

/** How many computes may be awake, what limits them, and who waits for a place. */
export function Admission(props: { platform: UseQueryResult<PlatformStatus, Error> }): ReactNode {
  return (
    <Panel title="Admission">
      <QueryView query={props.platform}>{(status) => <Facts facts={factsOf(status)} />}</QueryView>
    </Panel>
  )
}

function factsOf({ limits, computes }: PlatformStatus): [string, string][] {
  const { kind, detail, awake, max_awake, waiting_endpoints } = limits
  const nameOf = (endpointId: string): string =>
    computes.find(({ endpoint_id }) => endpoint_id === endpointId)?.branch_name ?? endpointId
  return [
    [
      'Awake',
      `${awake} of ${max_awake === undefined ? 'as many as there are' : `at most ${max_awake}`}`,
    ],
    ['Frozen', String(computes.filter(({ frozen }) => frozen).length)],
    [
      'Waiting',
      waiting_endpoints.length === 0 ? 'nobody' : waiting_endpoints.map(nameOf).join(', '),
    ],
    ['Limits', kind === 'none' ? `sizes are counted, not enforced: ${detail}` : detail],
  ]
}
