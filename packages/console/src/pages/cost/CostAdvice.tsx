import type { CostAdvice as Advice, CostReport } from '@coppice/api'
import { Group, Text } from '@mantine/core'
import { IconLeaf } from '@tabler/icons-react'
import type { ReactNode } from 'react'

import { paths } from '../../paths.ts'
import { CodeText } from '../../ui/CodeText.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatMoney } from '../../ui/format.ts'
import { TextLink } from '../../ui/TextLink.tsx'

import classes from './cost.module.css'

const titles: Readonly<Record<Advice['kind'], string>> = {
  unused_branch: 'Unused branch',
  expensive_history: 'History larger than its data',
  never_sleeps: 'Compute that never sleeps',
}

/** Branches and computes that cost more than they need to, and what to do. */
export function CostAdvice({ report }: { report: CostReport }): ReactNode {
  const { advice, prices, is_running } = report
  if (advice.length === 0) {
    return (
      <EmptyState icon={IconLeaf} title={is_running ? 'Nothing is wasted' : 'It is over'}>
        {is_running
          ? 'Branches that nobody uses, histories larger than their data and computes that never sleep are named here.'
          : 'Advice is for the running month.'}
      </EmptyState>
    )
  }
  return (
    <div>
      {advice.map(({ kind, project_id, branch_id, endpoint_id, message, cost_month }) => (
        <div key={`${kind} ${endpoint_id ?? branch_id}`} className={classes['line']}>
          <Group justify="space-between" wrap="nowrap" align="flex-start">
            <TextLink to={paths.branch(project_id, branch_id)}>{titles[kind]}</TextLink>
            <Text size="sm" className="figures" style={{ whiteSpace: 'nowrap' }}>
              {formatMoney(cost_month, prices.currency)} a month
            </Text>
          </Group>
          <Text size="sm" c="var(--faint)" style={{ overflowWrap: 'anywhere' }}>
            <CodeText>{message}</CodeText>
          </Text>
        </div>
      ))}
    </div>
  )
}
