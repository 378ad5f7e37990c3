import { Text } from '@mantine/core'
import type { ReactNode } from 'react'

import type { MarkedRow, ResultColumn, RowMark } from './compare-rows.ts'
import { rowsMax } from './read-rows.ts'

import classes from './then-and-now.module.css'

interface ResultTableProps {
  title: string
  columns: readonly ResultColumn[]
  rows: readonly MarkedRow[]
  isCut: boolean
  onlyDiffering: boolean
}

const words: Readonly<Record<RowMark, string>> = {
  same: '',
  changed: 'changed',
  gone: 'only then',
  new: 'only now',
}

/** One side of a comparison; what the other side does not have, or has otherwise, is marked. */
export function ResultTable(props: ResultTableProps): ReactNode {
  const { title, columns, rows, isCut, onlyDiffering } = props
  const shown = onlyDiffering ? rows.filter(({ mark }) => mark !== 'same') : rows
  return (
    <section className={classes['side']} aria-label={title}>
      <Text size="xs" fw={600} px={10} py={7} className={classes['sideTitle'] ?? ''}>
        {title}
        <Text span size="xs" c="var(--faint)" fw={400}>
          {' · '}
          {rows.length === 1 ? '1 row' : `${rows.length} rows`}
          {isCut && `, the first ${rowsMax}`}
        </Text>
      </Text>
      <div className={classes['scroller']} tabIndex={0} role="group" aria-label={`Rows, ${title}`}>
        <table className={classes['table']}>
          <thead>
            <tr>
              <th className={classes['mark']}>
                <span className={classes['srOnly']}>Differs</span>
              </th>
              {columns.map((column, at) => (
                // Columns of a query may have the same name.
                <th key={`${at} ${column.name}`} title={column.type}>
                  {column.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row, at) => (
              // Neither key nor order identifies a row of any query.
              // oxlint-disable-next-line react/no-array-index-key
              <tr key={at} data-mark={row.mark}>
                <td className={classes['mark']} title={words[row.mark]}>
                  <span className={classes['srOnly']}>{words[row.mark]}</span>
                </td>
                {row.values.map((value, place) => (
                  <td
                    key={`${place} ${columns[place]?.name}`}
                    data-changed={row.changed.has(place) || undefined}
                    data-null={value === null || undefined}
                  >
                    {value === null ? 'NULL' : value}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {shown.length === 0 && (
          <Text size="sm" c="var(--faint)" p="md" ta="center">
            {rows.length === 0 ? 'No rows' : 'Nothing that differs'}
          </Text>
        )}
      </div>
    </section>
  )
}
