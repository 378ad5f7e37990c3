import { Button, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import type { SqlPlace } from '../../api/run-sql.ts'
import { describeFailure } from '../../api/use-action.ts'
import { formatCount } from '../../ui/format.ts'
import { countQuery, type RowsSpec } from './table-queries.ts'

import classes from './tables.module.css'

interface RowsStatusProps {
  place: SqlPlace
  spec: RowsSpec
  shown: number
  /** Whether they have all been read. */
  isAll: boolean
  readOnly: string | undefined
}

/** How many rows there are, as far as that is known; they are counted only when somebody asks. */
export function RowsStatus({ place, spec, shown, isAll, readOnly }: RowsStatusProps): ReactNode {
  const count = useQuery({ ...countQuery(place, spec), enabled: false })
  const { estimated_rows } = spec.details
  const isFiltered = spec.filters.length > 0 || spec.where !== ''
  const of = (): string => {
    if (count.data !== undefined) return ` of ${count.data.toLocaleString('en')}`
    if (isAll || isFiltered || estimated_rows === null) return ''
    return ` of about ${formatCount(estimated_rows)}`
  }
  return (
    <div className={classes['status']}>
      <span className="figures" role="status">
        {isAll ? '' : 'First '}
        {shown.toLocaleString('en')}
        {of()} {shown === 1 ? 'row' : 'rows'}
        {!isAll && count.data === undefined && (
          <Button
            variant="subtle"
            size="compact-xs"
            ml={6}
            loading={count.isFetching}
            onClick={() => void count.refetch()}
          >
            Count them
          </Button>
        )}
      </span>
      {count.error && <span>{describeFailure(count.error)}</span>}
      <Text size="xs" span>
        {readOnly === undefined ? 'Double click or Enter edits a cell' : `Read only. ${readOnly}`}
      </Text>
    </div>
  )
}
