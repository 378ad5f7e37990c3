import type { CostReport } from '@coppice/api'
import { Badge, Group, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'

import { formatMoney } from '../../ui/format.ts'
import { listLabels } from './metrics.ts'

import classes from './cost.module.css'

/** The same by the list in force and by those that come with the platform. */
export function ByList({ report }: { report: CostReport }): ReactNode {
  const { preset, prices, estimate, by_preset } = report
  const own = { preset, currency: prices.currency, estimate }
  const lists = [own, ...by_preset.filter((list) => list.preset !== preset)]
  // Amounts of another currency are no length of the same bar.
  const most = Math.max(
    ...lists.filter(({ currency }) => currency === own.currency).map((list) => list.estimate),
  )
  return (
    <Stack gap="md">
      {lists.map((list) => (
        <div key={list.preset}>
          <Group justify="space-between" mb={6} wrap="nowrap">
            <Group gap={8}>
              <Text size="sm" fw={550}>
                {listLabels[list.preset]}
              </Text>
              {list.preset === preset && (
                <Badge size="sm" variant="light" tt="none">
                  in force
                </Badge>
              )}
            </Group>
            <Text size="sm" fw={550} className="figures">
              {formatMoney(list.estimate, list.currency)}
            </Text>
          </Group>
          {list.currency === own.currency && (
            <div className={classes['bar']}>
              <div
                data-current={list.preset === preset || undefined}
                style={{ width: `${most > 0 ? (list.estimate / most) * 100 : 0}%` }}
              />
            </div>
          )}
        </div>
      ))}
      <Text size="xs" c="var(--faint)">
        Neon’s lists are its published prices of March 2026, without taxes and credits.
      </Text>
    </Stack>
  )
}
