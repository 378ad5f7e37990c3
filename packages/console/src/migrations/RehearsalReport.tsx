import type { Finding, Rehearsal, StatementReport } from '@coppice/api'
import { Alert, Badge, Group, SimpleGrid, Stack, Text } from '@mantine/core'
import {
  IconAlertTriangle,
  IconDatabaseExport,
  IconEye,
  type Icon,
  IconHammer,
  IconLock,
  IconPencil,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'

import { formatBytes, formatMilliseconds } from '../ui/format.ts'
import { Panel } from '../ui/Panel.tsx'
import { StatTile } from '../ui/StatTile.tsx'
import { factsOf, type FactKind, totalsOf } from './rehearsal-facts.ts'
import { SqlLine } from './SqlLine.tsx'

import classes from './migrations.module.css'

/** What a rehearsal has seen: the whole, then each statement with what it does to others. */
export function RehearsalReport({ report }: { report: Rehearsal }): ReactNode {
  const { error, files, findings, plans } = report
  return (
    <Stack gap="md">
      {error !== null && (
        <Alert color="red" icon={<IconAlertTriangle size={18} />} title="A statement fails">
          <pre className={classes['error']}>{error}</pre>
        </Alert>
      )}
      <Figures report={report} />
      {files.map((file) => (
        <Panel
          key={file.name}
          title={file.name}
          description={`${formatMilliseconds(file.duration_ms)}, ${file.transactional ? 'in one transaction' : 'statement by statement'}`}
          flush
        >
          {file.statements.map((statement, at) => (
            <StatementView
              key={`${statement.line} ${at}`}
              statement={statement}
              findings={findings.filter(
                (one) => one.file === file.name && one.line === statement.line,
              )}
            />
          ))}
        </Panel>
      ))}
      {plans.length > 0 && <Plans report={report} />}
      {report.load && <Load load={report.load} />}
    </Stack>
  )
}

function Figures({ report }: { report: Rehearsal }): ReactNode {
  const { durationMs, statements, walBytes, diskBytes, blockingMs } = totalsOf(report)
  const { findings, plans, plans_compared: compared } = report
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }} spacing="md">
      <StatTile
        label="Took"
        value={formatMilliseconds(durationMs)}
        note={`${statements} statement${statements === 1 ? '' : 's'}`}
      />
      <StatTile
        label="Others would wait"
        value={formatMilliseconds(blockingMs)}
        note="at most, for locks"
      />
      <StatTile
        label="WAL"
        value={formatBytes(walBytes)}
        note={`${formatBytes(Math.max(0, diskBytes))} more on disk`}
      />
      <StatTile
        label="Hazards"
        value={findings.length}
        note={
          compared === 0
            ? 'no recorded queries to plan'
            : `${plans.length} of ${compared} recorded queries change`
        }
      />
    </SimpleGrid>
  )
}

const glyphs: Readonly<Record<FactKind, Icon>> = {
  lock: IconLock,
  rewrite: IconPencil,
  index: IconHammer,
  scan: IconEye,
  volume: IconDatabaseExport,
}

interface StatementViewProps {
  statement: StatementReport
  findings: readonly Finding[]
}

function StatementView({ statement, findings }: StatementViewProps): ReactNode {
  const facts = factsOf(statement)
  return (
    <div className={classes['statement']}>
      <div className={classes['statementHead']}>
        <code className={classes['statementSql']}>
          <span className={classes['lineNumber']}>{statement.line}</span>
          <SqlLine text={statement.sql} />
        </code>
        <Text size="sm" className="figures" style={{ flex: 'none' }}>
          {formatMilliseconds(statement.duration_ms)}
        </Text>
      </div>
      {facts.length > 0 && (
        <ul className={classes['facts']}>
          {facts.map(({ kind, text, isHeavy }) => {
            const Glyph = glyphs[kind]
            return (
              <li key={text} data-weight={isHeavy ? 'heavy' : 'light'}>
                <Glyph size={15} aria-hidden />
                <span>{text}</span>
              </li>
            )
          })}
        </ul>
      )}
      {findings.map(({ rule, message, safer }) => (
        <div key={rule} className={classes['finding']}>
          <Group gap={8} mb={2}>
            <Badge size="sm" variant="outline" color="gray" tt="none">
              {rule}
            </Badge>
          </Group>
          {message}
          <Text size="sm" mt={4}>
            <b>Better:</b> {safer}
          </Text>
        </div>
      ))}
    </div>
  )
}

function Plans({ report }: { report: Rehearsal }): ReactNode {
  return (
    <Panel title="Recorded queries that change" flush>
      {report.plans.map((change) => (
        <div key={change.query} className={classes['statement']}>
          <code className={classes['statementSql']}>
            <SqlLine text={change.query.replaceAll(/\s+/g, ' ')} />
          </code>
          <ul className={classes['facts']}>
            <li>
              {change.before}, cost {change.cost_before}
            </li>
            <li data-weight="heavy">
              {change.after === null
                ? `fails: ${change.error ?? ''}`
                : `now ${change.after}, cost ${change.cost_after ?? '?'}`}
            </li>
          </ul>
        </div>
      ))}
    </Panel>
  )
}

function Load({ load }: { load: NonNullable<Rehearsal['load']> }): ReactNode {
  const { connections, before, during, slowest } = load
  const line = (figures: typeof before): string =>
    `${figures.statements} statements, 99 % within ${formatMilliseconds(figures.p99_ms)}, the longest ${formatMilliseconds(figures.max_ms)}${figures.failed > 0 ? `, ${figures.failed} failed` : ''}`
  return (
    <Panel title={`Under load by ${connections} connections`}>
      <Text size="sm">Before: {line(before)}</Text>
      <Text size="sm">During: {line(during)}</Text>
      <ul className={classes['facts']}>
        {slowest.map(({ sql, duration_ms, beside }, at) => (
          <li key={at}>
            {formatMilliseconds(duration_ms)} {sql}
            {beside !== null && ` beside ${beside}`}
          </li>
        ))}
      </ul>
    </Panel>
  )
}
