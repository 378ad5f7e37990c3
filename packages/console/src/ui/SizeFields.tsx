import { Group, NumberInput } from '@mantine/core'
import type { ReactNode } from 'react'

import { formText } from './form-text.ts'

/** Between what a compute's size may be, in CU. */
interface SizeFieldsProps {
  min: number
  max: number
}

/** The smallest and the largest size of a compute, in a form; `sizeOf` reads them. */
export function SizeFields({ min, max }: SizeFieldsProps): ReactNode {
  return (
    <Group grow>
      <SizeField name="min" label="From (CU)" value={min} />
      <SizeField name="max" label="Up to (CU)" value={max} />
    </Group>
  )
}

/** As the API takes them. */
export const sizeOf = (form: FormData) => ({
  autoscaling_limit_min_cu: Number(formText(form, 'min')),
  autoscaling_limit_max_cu: Number(formText(form, 'max')),
})

function SizeField(props: { name: string; label: string; value: number }): ReactNode {
  const { name, label, value } = props
  return (
    <NumberInput name={name} label={label} min={0.25} max={64} step={0.25} defaultValue={value} />
  )
}
