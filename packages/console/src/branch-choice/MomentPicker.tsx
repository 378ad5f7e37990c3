import { Button, Divider, Group, Popover, Stack, Text, TextInput } from '@mantine/core'
import { IconHistory } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'

import { queries } from '../api/queries.ts'
import { formText } from '../ui/form-text.ts'
import { formatMoment } from '../ui/format.ts'
import { fromLocalField, momentChoices, toLocalField } from './moments.ts'

interface MomentPickerProps {
  projectId: string
  branchId: string | undefined
  /** Undefined is now. */
  moment: string | undefined
  onChange: (moment: string | undefined) => void
  /** As the controls beside it. */
  size?: 'xs' | 'sm'
}

/** When to look at a branch: now, or any moment that its history reaches back to. */
export function MomentPicker(props: MomentPickerProps): ReactNode {
  const { branchId, moment, size = 'sm' } = props
  const [isOpen, setIsOpen] = useState(false)
  const choose = (chosen: string | undefined): void => {
    setIsOpen(false)
    props.onChange(chosen)
  }
  return (
    <Popover
      opened={isOpen}
      onChange={setIsOpen}
      width={300}
      position="bottom-start"
      shadow="md"
      trapFocus
      returnFocus
    >
      <Popover.Target>
        <Button
          variant={moment === undefined ? 'default' : 'light'}
          color="yellow"
          size={size}
          leftSection={<IconHistory size={15} />}
          disabled={branchId === undefined}
          onClick={() => setIsOpen((open) => !open)}
        >
          {moment === undefined ? 'Now' : formatMoment(moment)}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Moment to look at">
        {isOpen && branchId !== undefined && (
          <Choices {...props} branchId={branchId} choose={choose} />
        )}
      </Popover.Dropdown>
    </Popover>
  )
}

interface ChoicesProps extends MomentPickerProps {
  branchId: string
  choose: (moment: string | undefined) => void
}

function Choices({ projectId, branchId, moment, choose }: ChoicesProps): ReactNode {
  const query = useQuery({ ...queries.branchHistory(projectId, branchId), retry: false })
  const [nowMs] = useState(Date.now)
  const [problem, setProblem] = useState<string>()
  const earliest = query.data?.earliest?.timestamp
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const chosen = fromLocalField(formText(new FormData(event.currentTarget), 'moment'))
    if (chosen === undefined) setProblem('Choose a day and a time.')
    else if (earliest !== undefined && Date.parse(chosen) < Date.parse(earliest)) {
      setProblem(`The history begins at ${formatMoment(earliest)}.`)
    } else if (Date.parse(chosen) > Date.now()) setProblem('That is still to come.')
    else choose(chosen)
  }
  return (
    <Stack gap="xs">
      <Button size="xs" variant="default" onClick={() => choose(undefined)} data-autofocus>
        Now
      </Button>
      <Group gap={6} grow preventGrowOverflow={false}>
        {momentChoices(nowMs, earliest).map(({ label, moment: at, isOutside }) => (
          <Button
            key={label}
            size="compact-sm"
            variant="light"
            color="gray"
            disabled={isOutside}
            onClick={() => choose(at)}
          >
            {label}
          </Button>
        ))}
      </Group>
      <Divider />
      <form onSubmit={submit} noValidate>
        <Stack gap="xs">
          <TextInput
            name="moment"
            label="Moment"
            type="datetime-local"
            step={1}
            size="sm"
            defaultValue={toLocalField(moment ?? new Date(nowMs).toISOString())}
            error={problem}
          />
          <Button type="submit" size="xs">
            Look at this moment
          </Button>
        </Stack>
      </form>
      <Text size="xs" c="var(--faint)">
        {query.isPending && 'Asking how far back the history goes…'}
        {query.data !== undefined &&
          (earliest === undefined
            ? 'There is no history of this branch yet.'
            : `Any since ${formatMoment(earliest)}.`)}
      </Text>
    </Stack>
  )
}
