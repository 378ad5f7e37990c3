import type { AwakeReason } from '@coppice/api'
import { Button, Group, Stack, TagsInput, Text } from '@mantine/core'
import { IconMoonStars, IconVolumeOff } from '@tabler/icons-react'
import type { ReactNode } from 'react'

import { api } from '../../api/client.ts'
import { useAction } from '../../api/use-action.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatDuration, formatSuspendTimeout } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import type { AwakeCompute } from './awake-compute.ts'
import { nameCause } from './awake-totals.ts'

import classes from './reasons.module.css'

interface KeptAwakeProps {
  projectId: string
  computes: readonly AwakeCompute[]
  /** Whether somebody has chosen that one: then it is told of even where it sleeps. */
  isOne: boolean
}

const shownMax = 8

/** Who keeps computes awake now; an application that should not can be told to be quiet. */
export function KeptAwake({ projectId, computes, isOne }: KeptAwakeProps): ReactNode {
  const awake = computes
    .filter((one) => isOne || one.current_state === 'active')
    .toSorted((a, b) => b.awake.length - a.awake.length)
  return (
    <Panel title="Now" description="What keeps them awake at this moment">
      {awake.length === 0 ? (
        <EmptyState icon={IconMoonStars} title="Everything sleeps">
          A compute wakes with the next connection. Who that was stands in the ledger then.
        </EmptyState>
      ) : (
        <Stack gap="lg">
          {awake.slice(0, shownMax).map((compute) => (
            <Compute
              key={compute.endpoint_id}
              projectId={projectId}
              compute={compute}
              isOne={isOne}
            />
          ))}
          {awake.length > shownMax && (
            <Text size="sm" c="var(--faint)">
              and {awake.length - shownMax} more that are awake
            </Text>
          )}
        </Stack>
      )}
    </Panel>
  )
}

interface ComputeProps {
  projectId: string
  compute: AwakeCompute
  isOne: boolean
}

function Compute({ projectId, compute, isOne }: ComputeProps): ReactNode {
  const { endpoint_id, label, awake, quiet_applications } = compute
  const quieten = useAction({
    run: async (applications: string[]) =>
      api.updateProjectEndpointAwake({
        path: { project_id: projectId, endpoint_id },
        body: { quiet_applications: applications },
      }),
    done: (_, applications) =>
      applications.length === 0
        ? `Every application counts on ${label}`
        : `${applications.join(', ')}: quiet on ${label}, from the next connection on`,
  })
  return (
    <div>
      <Group justify="space-between" gap="xs">
        <Text fw={600} size="sm">
          {label}
        </Text>
        <Text size="xs" c="var(--faint)" component="div">
          <Until compute={compute} />
        </Text>
      </Group>
      {awake.length > 0 && (
        <ul className={classes['reasons']} aria-label={`What keeps ${label} awake`}>
          {awake.map((reason) => (
            <Reason
              key={JSON.stringify(reason)}
              reason={reason}
              isQuiet={quiet_applications.includes(reason.application_name ?? '')}
              onQuieten={(name) => quieten.mutate([...quiet_applications, name])}
            />
          ))}
        </ul>
      )}
      {(isOne || awake.length > 0 || quiet_applications.length > 0) && (
        <TagsInput
          size="xs"
          mt="xs"
          label="Quiet applications"
          description="Clients with these names neither wake it nor keep it awake"
          placeholder={quiet_applications.length === 0 ? 'uptime, pgwatch' : ''}
          value={quiet_applications}
          onChange={(names) => quieten.mutate(names)}
          disabled={quieten.isPending}
          maxTags={100}
        />
      )}
    </div>
  )
}

/** When it goes to sleep, and what of it stands in the way. */
function Until({ compute }: { compute: AwakeCompute }): ReactNode {
  const { current_state, frozen, suspend_timeout_seconds, suspend_at, sessions } = compute
  const open = `${sessions.length} ${sessions.length === 1 ? 'session' : 'sessions'}`
  if (current_state !== 'active') {
    return (
      <>
        asleep, last active <RelativeTime at={compute.last_active} />
      </>
    )
  }
  if (suspend_timeout_seconds < 0 || suspend_at === undefined) {
    return `${open} · sleeps ${formatSuspendTimeout(-1)}`
  }
  const leftSeconds = (Date.parse(suspend_at) - Date.parse(compute.last_active)) / 1000
  return (
    <>
      {frozen && 'frozen · '}
      {open} · sleeps after {formatDuration(leftSeconds)} without activity
    </>
  )
}

/** What the client that is named does, or did last. */
const whatOf = ({ reason }: AwakeReason): string =>
  reason === 'was used by a client' ? 'was active' : reason

interface ReasonProps {
  reason: AwakeReason
  isQuiet: boolean
  onQuieten: (application: string) => void
}

function Reason({ reason, isQuiet, onQuieten }: ReasonProps): ReactNode {
  const { application_name, role, database, client_address, detail, slot_name, since } = reason
  const { title } = nameCause(reason)
  const who = role === undefined ? '' : `${role}${database === undefined ? '' : ` on ${database}`}`
  const more = [who, client_address, role === undefined ? undefined : detail, slot_name]
  return (
    <li className={classes['reason']}>
      <div>
        <Text size="sm">
          <b>{title}</b>
          {role !== undefined && ` ${whatOf(reason)}`}
        </Text>
        <Text size="xs" c="var(--faint)" component="div">
          {more.filter(Boolean).join(' · ')}
          {since !== undefined && (
            <>
              {more.some(Boolean) && ' · '}since <RelativeTime at={since} />
            </>
          )}
          {(reason.quiet === true || isQuiet) && ' · quiet'}
        </Text>
      </div>
      {application_name !== undefined && !isQuiet && (
        <Button
          variant="default"
          size="compact-xs"
          leftSection={<IconVolumeOff size={13} />}
          onClick={() => onQuieten(application_name)}
        >
          Quiet this application
        </Button>
      )}
    </li>
  )
}
