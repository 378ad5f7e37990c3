import type { PlatformCheck } from '@coppice/api'
import { Box, Button, Group, Text, ThemeIcon } from '@mantine/core'
import {
  IconAlertTriangle,
  IconCheck,
  type Icon,
  IconRefresh,
  IconStethoscope,
  IconX,
} from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { api } from '../../api/client.ts'
import { CodeText } from '../../ui/CodeText.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'

import classes from './host.module.css'

/** The checks of `coppice doctor`, when somebody asks for them: they try things out on the machine. */
export function Doctor(): ReactNode {
  const checks = useQuery({
    queryKey: ['platform-checks'],
    queryFn: async () => (await api.getPlatformChecks({})).checks,
    enabled: false,
    staleTime: Infinity,
  })
  const run = (): void => void checks.refetch()
  const hasRun = checks.data !== undefined || checks.error !== null
  const button = (
    <Button
      variant={hasRun ? 'default' : 'filled'}
      size={hasRun ? 'xs' : 'sm'}
      leftSection={hasRun ? <IconRefresh size={14} /> : <IconStethoscope size={16} />}
      loading={checks.isFetching}
      onClick={run}
    >
      {hasRun ? 'Run again' : 'Run the checks'}
    </Button>
  )
  return (
    <Panel
      title="Doctor"
      description={checks.data && summary(checks.data)}
      actions={
        hasRun && (
          <Group gap="sm">
            <Text size="xs" c="var(--faint)">
              <RelativeTime at={new Date(checks.dataUpdatedAt).toISOString()} />
            </Text>
            {button}
          </Group>
        )
      }
    >
      {hasRun || checks.isFetching ? (
        <QueryView query={checks} skeletonLines={8}>
          {(found) => found.map((check) => <Check key={check.name} check={check} />)}
        </QueryView>
      ) : (
        <EmptyState icon={IconStethoscope} title="What this machine offers" action={button}>
          Looks for what Coppice needs of the machine and what would make it better, as{' '}
          <code>coppice doctor</code> does. Nothing is changed.
        </EmptyState>
      )}
    </Panel>
  )
}

const looks: Readonly<
  Record<PlatformCheck['status'], { icon: Icon; color: string; text: string }>
> = {
  ok: { icon: IconCheck, color: 'leaf', text: 'fine' },
  warn: { icon: IconAlertTriangle, color: 'yellow', text: 'could be better' },
  fail: { icon: IconX, color: 'red', text: 'failed' },
}

function Check({ check }: { check: PlatformCheck }): ReactNode {
  const { icon: Glyph, color, text } = looks[check.status]
  return (
    <Group className={classes['check'] ?? ''} gap="sm" wrap="nowrap" align="flex-start">
      <ThemeIcon variant="light" color={color} size={26} radius="xl" role="img" aria-label={text}>
        <Glyph size={15} />
      </ThemeIcon>
      <Box miw={0}>
        <Text size="sm" fw={550}>
          {check.name}
        </Text>
        <Text size="sm" c="var(--faint)" style={{ overflowWrap: 'anywhere' }}>
          {check.detail}
        </Text>
        {check.advice !== undefined && (
          <Text size="sm" mt={4} className={classes['advice'] ?? ''}>
            <CodeText>{check.advice}</CodeText>
          </Text>
        )}
      </Box>
    </Group>
  )
}

function summary(checks: readonly PlatformCheck[]): string {
  const count = (status: PlatformCheck['status']): number =>
    checks.filter((check) => check.status === status).length
  const [failed, warned] = [count('fail'), count('warn')]
  if (failed > 0) return `${failed} of ${checks.length} checks failed`
  return warned > 0
    ? `${warned} of ${checks.length} things could be better`
    : 'Everything is as it should be'
}
