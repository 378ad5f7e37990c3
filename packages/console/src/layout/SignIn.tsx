import {
  Alert,
  Button,
  Center,
  Code,
  Loader,
  PasswordInput,
  SegmentedControl,
  Stack,
  Text,
  Title,
} from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useEffect, useState } from 'react'
import { Navigate, useLocation } from 'react-router'

import { type Proof, signIn } from '../api/client.ts'
import { queries, sessionKey } from '../api/queries.ts'
import { describeFailure, useAction } from '../api/use-action.ts'
import { paths } from '../paths.ts'
import { ErrorState } from '../ui/ErrorState.tsx'
import { formText } from '../ui/form-text.ts'
import { Logo } from './Logo.tsx'

import classes from './layout.module.css'

type Method = 'password' | 'api_key'

/** Signing in: by a link of `coppice console`, the password, or an API key. */
export function SignIn(): ReactNode {
  const session = useQuery(queries.session())
  const client = useQueryClient()
  const location = useLocation()
  const link = useLinkOnce()
  const action = useAction({
    run: async (proof: Proof) => signIn(proof),
    onDone: (found) => client.setQueryData(sessionKey, found),
    quiet: true,
  })
  const { mutate } = action
  useEffect(() => {
    if (link !== undefined) mutate({ link })
  }, [link, mutate])
  useEffect(() => {
    document.title = 'Sign in · Coppice'
  }, [])

  if (session.data?.signed_in) return <Navigate to={cameFrom(location.state)} replace />
  return (
    <Center className={classes['signIn'] ?? ''} component="main">
      <Stack w="100%" maw={380} gap="lg" className={classes['signInCard'] ?? ''}>
        <Logo />
        <div>
          <Title order={1} size="h3">
            Sign in
          </Title>
          <Text size="sm" c="var(--faint)" mt={4}>
            To this platform, and to nothing else.
          </Text>
        </div>
        {session.error && (
          <ErrorState error={session.error} onRetry={() => void session.refetch()} />
        )}
        {session.isPending && <Loader aria-label="Loading" />}
        {session.data && (
          <SignInForm
            hasPassword={session.data.password_set}
            failure={action.error ? describeFailure(action.error) : undefined}
            isRunning={action.isPending}
            onSubmit={mutate}
          />
        )}
      </Stack>
    </Center>
  )
}

interface SignInFormProps {
  hasPassword: boolean
  failure: string | undefined
  isRunning: boolean
  onSubmit: (proof: Proof) => void
}

function SignInForm({ hasPassword, failure, isRunning, onSubmit }: SignInFormProps): ReactNode {
  const [method, setMethod] = useState<Method>(hasPassword ? 'password' : 'api_key')
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const secret = formText(new FormData(event.currentTarget), 'secret')
    onSubmit(method === 'password' ? { password: secret } : { api_key: secret })
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        {hasPassword && (
          <SegmentedControl
            aria-label="How to sign in"
            value={method}
            onChange={(value) => setMethod(value as Method)}
            data={[
              { value: 'password', label: 'Password' },
              { value: 'api_key', label: 'API key' },
            ]}
            fullWidth
          />
        )}
        <PasswordInput
          key={method}
          name="secret"
          label={method === 'password' ? 'Password' : 'API key'}
          autoComplete={method === 'password' ? 'current-password' : 'off'}
          required
          withAsterisk={false}
        />
        {failure !== undefined && (
          <Alert color="red" role="alert">
            {failure}
          </Alert>
        )}
        <Button type="submit" size="md" loading={isRunning} fullWidth>
          Sign in
        </Button>
        <Text size="xs" c="var(--faint)">
          On the machine itself, <Code>coppice console</Code> prints an address that signs you in
          {hasPassword ? '.' : ', and '}
          {!hasPassword && (
            <>
              <Code>coppice console password</Code> sets a password.
            </>
          )}
        </Text>
      </Stack>
    </form>
  )
}

/** The secret behind `#`, taken out of the address at once: it is good once, and nobody should see it. */
function useLinkOnce(): string | undefined {
  const [link, setLink] = useState<string>()
  useEffect(() => {
    const take = (): void => {
      const found = new URLSearchParams(location.hash.slice(1)).get('link')
      if (found === null) return
      history.replaceState(history.state, '', location.pathname)
      setLink(found)
    }
    take()
    // Where the tab was here already, the rest of the address is the same and nothing is loaded anew.
    addEventListener('hashchange', take)
    return () => removeEventListener('hashchange', take)
  }, [])
  return link
}

/** Where somebody wanted to go before they had to sign in. */
function cameFrom(state: unknown): string {
  const isKnown = typeof state === 'object' && state !== null && 'from' in state
  return isKnown && typeof state.from === 'string' ? state.from : paths.projects
}
