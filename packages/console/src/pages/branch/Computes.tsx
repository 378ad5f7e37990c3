import type { Branch, Endpoint } from '@coppice/api'
import { ActionIcon, Group, Menu, Stack, Text } from '@mantine/core'
import {
  IconDots,
  IconMoon,
  IconRefresh,
  IconSettings,
  IconSun,
  IconTrash,
} from '@tabler/icons-react'
import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { api } from '../../api/client.ts'
import { queries } from '../../api/queries.ts'
import { useAction } from '../../api/use-action.ts'
import { AddButton } from '../../ui/AddButton.tsx'
import { ComputeState } from '../../ui/ComputeState.tsx'
import { ConfirmByName } from '../../ui/ConfirmByName.tsx'
import { formatComputeUnits, formatSuspendTimeout } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { EditCompute } from './EditCompute.tsx'

import classes from './branch.module.css'

interface ComputesProps {
  branch: Branch
  /** Of the project. */
  endpoints: UseQueryResult<Endpoint[], Error>
  own: readonly Endpoint[]
}

/** The computes of a branch: their state, size, and what can be done with them. */
export function Computes({ branch, endpoints, own }: ComputesProps): ReactNode {
  const { id: branch_id, project_id } = branch
  const hasPrimary = own.some(({ type }) => type === 'read_write')
  const add = useAction({
    run: async () => {
      const type = hasPrimary ? ('read_only' as const) : ('read_write' as const)
      return api.createProjectEndpoint({
        path: { project_id },
        body: { endpoint: { branch_id, type } },
      })
    },
    done: () => (hasPrimary ? 'The read replica is there' : 'The branch has a compute'),
  })
  return (
    <Panel
      title="Computes"
      actions={
        <AddButton isRunning={add.isPending} onClick={() => add.mutate()}>
          {hasPrimary ? 'Read replica' : 'Compute'}
        </AddButton>
      }
    >
      <QueryView query={endpoints} skeletonLines={2}>
        {() =>
          own.length === 0 ? (
            <Text size="sm" c="var(--faint)">
              It has none: its data stays, and nobody can connect.
            </Text>
          ) : (
            <Stack gap={0}>
              {own.map((endpoint) => (
                <Compute key={endpoint.id} endpoint={endpoint} />
              ))}
            </Stack>
          )
        }
      </QueryView>
    </Panel>
  )
}

function Compute({ endpoint }: { endpoint: Endpoint }): ReactNode {
  const { id, type, current_state, autoscaling_limit_min_cu, autoscaling_limit_max_cu } = endpoint
  const status = useQuery({ ...queries.platform(), retry: false }).data?.computes.find(
    ({ endpoint_id }) => endpoint_id === id,
  )
  return (
    <div className={classes['compute']}>
      <div>
        <Group gap="sm">
          <ComputeState state={current_state} />
          <Text size="sm" c="var(--faint)">
            {type === 'read_only' ? 'Read replica' : 'Primary'}
          </Text>
        </Group>
        <Text size="xs" c="var(--faint)" ff="monospace" mt={2}>
          {id}
        </Text>
      </div>
      <Text size="sm">
        {formatComputeUnits(autoscaling_limit_min_cu, autoscaling_limit_max_cu)}
        <Text size="xs" c="var(--faint)">
          sleeps {formatSuspendTimeout(endpoint.suspend_timeout_seconds)}
        </Text>
      </Text>
      <Text size="sm" component="div">
        {status && current_state === 'active' ? (
          <>
            {status.sessions} {status.sessions === 1 ? 'session' : 'sessions'}
            <Text size="xs" c="var(--faint)">
              {status.awake[0]?.reason ?? 'nothing keeps it awake'}
            </Text>
          </>
        ) : (
          <>
            <RelativeTime at={endpoint.last_active} />
            <Text size="xs" c="var(--faint)">
              last active
            </Text>
          </>
        )}
      </Text>
      <ComputeMenu endpoint={endpoint} />
    </div>
  )
}

function ComputeMenu({ endpoint }: { endpoint: Endpoint }): ReactNode {
  const { id: endpoint_id, project_id, current_state, type } = endpoint
  const [dialog, setDialog] = useState<'edit' | 'delete'>()
  const close = (): void => setDialog(undefined)
  const path = { project_id, endpoint_id }
  const start = useAction({
    run: async () => api.startProjectEndpoint({ path }),
    done: () => 'The compute is awake',
  })
  const suspend = useAction({
    run: async () => api.suspendProjectEndpoint({ path }),
    done: () => 'The compute sleeps',
  })
  const restart = useAction({
    run: async () => api.restartProjectEndpoint({ path }),
    done: () => 'The compute has been restarted',
  })
  const remove = useAction({
    run: async () => api.deleteProjectEndpoint({ path }),
    done: () => 'The compute is gone; the data of its branch stays',
    onDone: close,
  })
  const isAwake = current_state === 'active'
  return (
    <>
      <Menu position="bottom-end" width={200}>
        <Menu.Target>
          <ActionIcon aria-label={`Actions for compute ${endpoint_id}`}>
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {isAwake ? (
            <>
              <Menu.Item leftSection={<IconMoon size={16} />} onClick={() => suspend.mutate()}>
                Suspend
              </Menu.Item>
              <Menu.Item leftSection={<IconRefresh size={16} />} onClick={() => restart.mutate()}>
                Restart
              </Menu.Item>
            </>
          ) : (
            <Menu.Item leftSection={<IconSun size={16} />} onClick={() => start.mutate()}>
              Wake
            </Menu.Item>
          )}
          <Menu.Item leftSection={<IconSettings size={16} />} onClick={() => setDialog('edit')}>
            Size and sleep
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item
            color="red"
            leftSection={<IconTrash size={16} />}
            onClick={() => setDialog('delete')}
          >
            Delete
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {dialog === 'edit' && <EditCompute endpoint={endpoint} onClose={close} />}
      <ConfirmByName
        opened={dialog === 'delete'}
        onClose={close}
        verb="Delete"
        name={endpoint_id}
        isRunning={remove.isPending}
        onConfirm={() => remove.mutate()}
        recovery="All data: it belongs to the branch. Another compute can be added at any time; it has another host name."
      >
        {type === 'read_only' ? 'The read replica' : 'The compute'} ends, and connections to it are
        cut off. Its host name is gone for good.
      </ConfirmByName>
    </>
  )
}
