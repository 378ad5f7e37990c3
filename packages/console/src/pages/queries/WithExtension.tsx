import { findExtension } from '@coppice/api/client'
import { Button } from '@mantine/core'
import { IconChartBar } from '@tabler/icons-react'
import type { ReactNode } from 'react'

import { ask, useQuietQuery } from '../../api/quiet-query.ts'
import { useAction } from '../../api/use-action.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Panel } from '../../ui/Panel.tsx'
import type { Looked } from './looked.ts'
import { QuietView } from './QuietView.tsx'

const everyMs = 60_000

interface WithExtensionProps extends Looked {
  /** Of the panel, where what needs the extension is not shown. */
  title: string
  /** Of ours, not a user's. */
  name: string
  children: ReactNode
}

/**
 * What needs an extension, where the database has it; else a button that creates it. It is asked for by
 * itself, since a query that fails would stand in the branch's log.
 */
export function WithExtension(props: WithExtensionProps): ReactNode {
  const { place, endpoint, title, name, children } = props
  const isThere = useQuietQuery({
    place,
    endpoint,
    name: `extension ${name}`,
    sql: findExtension(name),
    read: ([found]) => found !== undefined && found.rows.length > 0,
    everyMs,
  })
  if (isThere.data === true) return children
  return (
    <Panel flush title={title}>
      <QuietView query={isThere} endpoint={endpoint}>
        {() => <CreateExtension place={place} name={name} />}
      </QuietView>
    </Panel>
  )
}

function CreateExtension({ place, name }: Pick<WithExtensionProps, 'place' | 'name'>): ReactNode {
  const create = useAction({
    run: async () => ask(place, `create extension if not exists ${name}`, { mayWake: true }),
    done: () => `${place.database} has ${name} now`,
  })
  return (
    <EmptyState
      icon={IconChartBar}
      title={`${place.database} does not have ${name}`}
      action={
        <Button mt="xs" loading={create.isPending} onClick={() => create.mutate()}>
          Enable {name}
        </Button>
      }
    >
      The extension counts how often each statement ran, how long it took and what it read.
    </EmptyState>
  )
}
