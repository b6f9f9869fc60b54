// SPDX-License-Identifier: Apache-2.0
// Rules for secrets: keys, tokens and passwords, by the forms their makers document.

import type { Rule, Severity } from '../rule.ts';

/** No letter or digit before. */
const B = '(?<![A-Za-z0-9])';
/** Nor a character of base64url. */
const U = '(?<![A-Za-z0-9_-])';

/** Twenty-odd different letters and digits, for examples: nobody's. */
const letters = (length: number): string => 'a9Kd3Lm8Qz1Xc5Vb7Nh2Rt6Yp4Wj0Gf'.repeat(8).slice(0, length);
const hex = (length: number): string => 'a91c3e5f7b2d4860'.repeat(12).slice(0, length);
const digits = (length: number): string => '4839201756'.repeat(4).slice(0, length);
const capitals = (length: number): string => 'Q7ZK3MXW5TRNB2YD'.repeat(8).slice(0, length);

interface Form {
  readonly pattern: string;
  readonly keywords: readonly string[];
  readonly match: readonly string[];
  readonly nomatch: readonly string[];
  readonly entropy?: number;
  readonly severity?: Severity;
}

/** Looked for in what leaves and in what tools bring; in messages where they are redacted. */
function secret(id: string, description: string, { severity = 'high', ...form }: Form): Rule {
  return { id, kind: 'secret', description, severity, stages: ['input', 'tool', 'output'], ...form };
}

/** A token that begins with something no other text begins with. */
function prefixed(id: string, description: string, prefix: string, rest: string, sample: string): Rule {
  const [literal = ''] = /^[A-Za-z0-9_.-]+/.exec(sample) ?? [];
  const shown = literal.slice(0, shownLength(prefix));
  return secret(id, description, {
    pattern: `${U}${prefix}${rest}`,
    keywords: keywordsOf(prefix),
    match: [sample, `KEY=${sample}`, `("${sample}")`],
    nomatch: [shown, `${shown}…`, `x${sample}`],
  });
}

/** The texts a prefix stands for, folded: `(?:a|b)c` is two. */
function keywordsOf(prefix: string): readonly string[] {
  const plain = prefix.replaceAll('\\', '');
  const choice = /^(.*)\(\?:([^)]*)\)(.*)$/.exec(plain);
  if (choice === null) return [plain.toLowerCase()];
  const [, before = '', of = '', after = ''] = choice;
  return of.split('|').map((one) => `${before}${one}${after}`.toLowerCase());
}

function shownLength(prefix: string): number {
  return Math.min(...keywordsOf(prefix).map(({ length }) => length));
}

const T = '[A-Za-z0-9]';
const TU = '[A-Za-z0-9_-]';

export const SECRETS: readonly Rule[] = [
  secret('private-key', 'A private key in PEM form', {
    pattern: `-----BEGIN[ A-Z0-9]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:(?:(?:[\\n\\r]|\\\\[nr]){1,4}(?:Proc-Type|Version|Comment|DEK-Info|Hash): [^\\n\\r\\\\]{1,100}){1,3}[\\n\\r\\\\][\\s\\\\"'+,]{0,11}|[\\s\\\\"'+,]{1,12})[A-Za-z0-9+/=]{20,128}(?:[\\s\\\\"'+,]{1,8}[A-Za-z0-9+/=]{1,128}){0,160}(?:[\\s\\\\"'+,]{0,8}-----END[ A-Z0-9]{0,30}PRIVATE KEY(?: BLOCK)?-----)?`,
    keywords: ['private key'],
    match: [
      `-----BEGIN RSA PRIVATE KEY-----\n${letters(64)}\n${letters(64)}\n${letters(20)}\n-----END RSA PRIVATE KEY-----`,
      `"-----BEGIN PRIVATE KEY-----\\n${letters(64)}\\n${letters(30)}==\\n-----END PRIVATE KEY-----\\n"`,
      `-----BEGIN OPENSSH PRIVATE KEY-----\n${letters(70)}`,
    ],
    nomatch: [
      '-----BEGIN PRIVATE KEY----- and -----END PRIVATE KEY-----',
      `-----BEGIN PUBLIC KEY-----\n${letters(64)}`,
    ],
  }),
  secret('jwt', 'A JSON Web Token', {
    pattern: `${U}eyJ[A-Za-z0-9_-]{14,1000}\\.eyJ[A-Za-z0-9_-]{10,4000}(?:\\.[A-Za-z0-9_-]{8,2000})?`,
    keywords: ['eyj'],
    match: [`eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.${letters(43)}`],
    nomatch: ['eyJhbGciOiJIUzI1NiJ9 is only a header', 'eyJ.eyJ.'],
  }),
  secret('aws-access-key', "An AWS access key's id", {
    pattern: `${B}(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}`,
    keywords: ['akia', 'asia', 'abia', 'acca'],
    match: [`AKIA${capitals(16)}`, `aws_access_key_id=ASIA${capitals(16)}`],
    nomatch: ['AKIA', 'ASIA is a continent', `xAKIA${capitals(16)}`],
  }),
  secret('aws-secret-key', 'An AWS secret key, with its name', {
    pattern: `${B}(?:aws_secret_access_key|AWS_SECRET_ACCESS_KEY|aws_secret_key|AWS_SECRET_KEY|SecretAccessKey|secretAccessKey|aws_session_token|AWS_SESSION_TOKEN)["']?\\s{0,3}[=:]\\s{0,3}["']?[A-Za-z0-9/+=]{40,1000}`,
    keywords: ['secret_access_key', 'secret_key', 'secretaccesskey', 'session_token'],
    match: [`aws_secret_access_key = ${letters(40)}`, `"SecretAccessKey": "${letters(40)}"`],
    nomatch: ['aws_secret_access_key = YOUR_KEY', 'secretAccessKey: process.env.KEY'],
  }),
  prefixed('google-api-key', 'A Google API key', 'AIza', `${TU}{35}`, `AIza${letters(35)}`),
  prefixed('google-oauth-token', 'A Google access token', 'ya29\\.', `${TU}{30,1000}`, `ya29.${letters(60)}`),
  prefixed('google-client-secret', 'A Google OAuth client secret', 'GOCSPX-', `${TU}{28}`, `GOCSPX-${letters(28)}`),
  prefixed(
    'anthropic-key',
    'An Anthropic key',
    'sk-ant-',
    `(?:api|admin|oat|sid)[0-9]{2}-${TU}{32,200}`,
    `sk-ant-api03-${letters(93)}AA`,
  ),
  prefixed('openrouter-key', 'An OpenRouter key', 'sk-or-v1-', '[a-f0-9]{32,128}', `sk-or-v1-${hex(64)}`),
  prefixed('openai-key', 'An OpenAI key', 'sk-(?:proj|svcacct|admin|None)', `-${TU}{20,300}`, `sk-proj-${letters(64)}`),
  prefixed(
    'openai-legacy-key',
    'An OpenAI key of the old form, or one of the many made like it',
    'sk-',
    `${T}{32,128}`,
    `sk-${letters(48)}`,
  ),
  prefixed('github-token', 'A GitHub token', '(?:ghp|gho|ghu|ghs|ghr)_', `${T}{36,255}`, `ghp_${letters(36)}`),
  prefixed(
    'github-fine-token',
    'A GitHub fine-grained token',
    'github_pat_',
    `${T}{22}_${T}{50,100}`,
    `github_pat_${letters(22)}_${letters(59)}`,
  ),
  prefixed(
    'gitlab-token',
    'A GitLab token',
    '(?:glpat|gloas|gldt|glrt|glcbt|glptt|glft|glsoat|glagent|glimt)-',
    `${TU}{20,300}`,
    `glpat-${letters(20)}`,
  ),
  prefixed(
    'slack-token',
    'A Slack token',
    'xox(?:a|b|e|o|p|r|s)',
    `-${TU}{10,250}`,
    `xoxb-${digits(12)}-${digits(12)}-${letters(24)}`,
  ),
  prefixed(
    'slack-app-token',
    'A Slack app token',
    'xapp-',
    `[0-9]-[A-Z0-9]{6,20}-[0-9]{6,20}-[a-z0-9]{32,128}`,
    `xapp-1-A${capitals(9)}-${digits(12)}-${hex(64)}`,
  ),
  secret('slack-webhook', 'The address of a Slack webhook', {
    pattern: 'hooks\\.slack\\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{40,80}',
    keywords: ['hooks.slack.com'],
    match: [`https://hooks.slack.com/services/T${capitals(9)}/B${capitals(9)}/${letters(24)}`],
    nomatch: ['https://hooks.slack.com/services/…'],
  }),
  prefixed('stripe-key', 'A Stripe key', '(?:sk|rk|pk)_', `(?:live|test|prod)_${T}{10,250}`, `sk_live_${letters(24)}`),
  prefixed(
    'stripe-webhook-secret',
    "A Stripe webhook's signing secret",
    'whsec_',
    '[A-Za-z0-9+/=]{24,100}',
    `whsec_${letters(32)}`,
  ),
  secret('bearer-token', 'A bearer token', {
    pattern: `${B}(?:Bearer|bearer|BEARER) {1,3}[A-Za-z0-9._~+/=-]{20,4000}`,
    keywords: ['bearer '],
    match: [`Authorization: Bearer ${letters(32)}`, `bearer ${letters(20)}`],
    nomatch: ['Authorization: Bearer TOKEN', 'the bearer of the ring', `Bearer\n${letters(32)}`],
  }),
  secret('basic-credentials', 'A name and password of HTTP basic authentication', {
    pattern: `${B}(?:Authorization|authorization|AUTHORIZATION)["']?:\\s{0,3}["']?(?:Basic|basic) [A-Za-z0-9+/]{12,400}={0,2}`,
    keywords: ['basic '],
    match: ['Authorization: Basic YWxhZGRpbjpvcGVuc2VzYW1l'],
    nomatch: ['basic authentication', 'Authorization: Basic …'],
  }),
  secret('connection-string', 'An address with a password in it', {
    pattern: `${B}(?:postgres|postgresql|mysql|mariadb|mongodb|mongodb\\+srv|redis|rediss|amqp|amqps|mssql|sqlserver|clickhouse|cockroachdb|nats|mqtt|mqtts|smtp|smtps|imap|ldap|ldaps|ftp|ftps|sftp|ssh|http|https)://[^\\s:@/"'<>]{0,100}:[^\\s@/"'<>$\\{\\[*]{3,200}@[A-Za-z0-9\\[.-]{1,255}`,
    keywords: ['://'],
    match: [
      'postgres://sigil:h8Fk2pQ9@db.example.org/sigil',
      'redis://:s3cretpw@10.0.0.1:6379',
      'https://ann:hunter22@example.org/repo.git',
    ],
    nomatch: ['postgres://localhost/sigil', 'https://example.org:8080/a@b', 'mysql://user:${DB_PASSWORD}@host'],
  }),
  secret('account-key', 'A connection string of a cloud with its key', {
    pattern: `${B}(?:AccountKey|SharedAccessKey|SharedAccessSignature|Password|PWD|Pwd)=[A-Za-z0-9+/=%&._~-]{30,300}`,
    keywords: ['accountkey=', 'sharedaccess', 'password=', 'pwd='],
    match: [`DefaultEndpointsProtocol=https;AccountName=x;AccountKey=${letters(86)}==;EndpointSuffix=core.windows.net`],
    nomatch: ['AccountKey=<your key>', 'Password=secret'],
  }),
  secret('keyring-reference', 'A reference into the keyring', {
    pattern: `${B}keyring://[A-Za-z0-9._~%-]{1,128}/[A-Za-z0-9._~%/@-]{1,256}`,
    keywords: ['keyring://'],
    match: ['keyring://sigil/anthropic', 'api_key: keyring://work/openai-key'],
    nomatch: ['keyring://', 'the keyring:// form of a reference'],
  }),
  secret('assigned-secret', 'A long random text under the name of a secret', {
    pattern: `${B}(?:api_?key|API_?KEY|apiKey|api-key|secret|SECRET|clientSecret|secretKey|token|TOKEN|authToken|accessToken|passwd|password|PASSWORD)["']?\\s{0,3}[:=]{1,2}\\s{0,3}["'][A-Za-z0-9+/_=.~-]{24,200}["']`,
    keywords: ['api_key', 'apikey', 'api-key', 'secret', 'token', 'passwd', 'password'],
    entropy: 4.1,
    match: [`api_key = "${letters(32)}"`, `"CLIENT_SECRET": "${letters(40)}"`],
    nomatch: [
      'password = "correct horse battery staple"',
      'token: "aaaaaaaaaaaaaaaaaaaaaaaaaaaa"',
      'api_key: "YOUR_API_KEY"',
    ],
  }),
];

/** Forms of other makers, as they publish them; the common rule sets of secret scanners hold the same. */
export const VENDOR_SECRETS: readonly Rule[] = [
  prefixed(
    'huggingface-token',
    'A Hugging Face token',
    '(?:hf|api_org)_',
    '[A-Za-z]{34}',
    `hf_${'aKdLmQzXcVbNhRtYpWjGf'.repeat(2).slice(0, 34)}`,
  ),
  prefixed('groq-key', 'A Groq key', 'gsk_', `${T}{52}`, `gsk_${letters(52)}`),
  prefixed('xai-key', 'An xAI key', 'xai-', `${T}{70,90}`, `xai-${letters(80)}`),
  prefixed('perplexity-key', 'A Perplexity key', 'pplx-', `${T}{48,64}`, `pplx-${letters(48)}`),
  prefixed('replicate-token', 'A Replicate token', 'r8_', `${T}{37}`, `r8_${letters(37)}`),
  prefixed('npm-token', 'An npm token', 'npm_', `${T}{36}`, `npm_${letters(36)}`),
  prefixed('pypi-token', 'A PyPI token', 'pypi-', `AgE${TU}{50,300}`, `pypi-AgEIcHlwaS5vcmc${letters(60)}`),
  prefixed('rubygems-key', 'A RubyGems key', 'rubygems_', '[a-f0-9]{48}', `rubygems_${hex(48)}`),
  prefixed('docker-token', 'A Docker token', 'dckr_(?:pat|oat)_', `${TU}{24,64}`, `dckr_pat_${letters(27)}`),
  prefixed('digitalocean-token', 'A DigitalOcean token', '(?:dop|doo|dor)_v1_', '[a-f0-9]{64}', `dop_v1_${hex(64)}`),
  prefixed('heroku-key', 'A Heroku key', 'HRKU-', `${TU}{36,64}`, `HRKU-${letters(60)}`),
  prefixed('flyio-token', 'A Fly.io token', 'fo1_', `${TU}{43}`, `fo1_${letters(43)}`),
  prefixed(
    'planetscale-token',
    'A PlanetScale token or password',
    'pscale_(?:tkn|pw|oauth)_',
    `${TU}{32,64}`,
    `pscale_tkn_${letters(43)}`,
  ),
  prefixed('supabase-key', 'A Supabase key', '(?:sbp|sb_secret)_', `${TU}{31,64}`, `sbp_${hex(40)}`),
  prefixed('databricks-token', 'A Databricks token', 'dapi', '[a-f0-9]{32}', `dapi${hex(32)}`),
  prefixed(
    'doppler-token',
    'A Doppler token',
    'dp\\.(?:pt|st|ct|sa|scim|audit)\\.',
    `${T}{40,44}`,
    `dp.pt.${letters(43)}`,
  ),
  prefixed('vault-token', 'A HashiCorp Vault token', 'hv(?:s|b|r)\\.', `${TU}{24,300}`, `hvs.${letters(92)}`),
  prefixed('terraform-token', 'A Terraform Cloud token', 'ATLAS-V1-', `${TU}{60,80}`, `ATLAS-V1-${letters(67)}`),
  prefixed('pulumi-token', 'A Pulumi token', 'pul-', '[a-f0-9]{40}', `pul-${hex(40)}`),
  prefixed(
    'age-secret-key',
    'A secret key of age',
    'AGE-SECRET-KEY-1',
    '[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}',
    `AGE-SECRET-KEY-1${'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L'.repeat(2).slice(0, 58)}`,
  ),
  prefixed('sendgrid-key', 'A SendGrid key', 'SG\\.', `${TU}{22}\\.${TU}{43}`, `SG.${letters(22)}.${letters(43)}`),
  prefixed('mailgun-key', 'A Mailgun key', 'key-', '[a-f0-9]{32}', `key-${hex(32)}`),
  prefixed(
    'mailchimp-brevo-key',
    'A Brevo key',
    'xkeysib-',
    '[a-f0-9]{64}-[A-Za-z0-9]{16}',
    `xkeysib-${hex(64)}-${letters(16)}`,
  ),
  prefixed('twilio-key', 'A Twilio key or account', '(?:SK|AC)', '[a-f0-9]{32}', `SK${hex(32)}`),
  prefixed('shopify-token', 'A Shopify token', 'shp(?:at|ca|pa|ss)_', '[a-fA-F0-9]{32}', `shpat_${hex(32)}`),
  prefixed('square-token', 'A Square token', '(?:EAAA|sq0atp-|sq0csp-)', `${TU}{22,80}`, `sq0atp-${letters(22)}`),
  prefixed(
    'telegram-bot-token',
    'A Telegram bot token',
    '(?:bot)',
    `[0-9]{8,10}:A${TU}{34}`,
    `bot${digits(9)}:A${letters(34)}`,
  ),
  prefixed('notion-token', 'A Notion token', '(?:ntn|secret)_', `${T}{43,50}`, `ntn_${letters(46)}`),
  prefixed('linear-key', 'A Linear key', 'lin_(?:api|oauth)_', `${T}{40,64}`, `lin_api_${letters(40)}`),
  prefixed('atlassian-token', 'An Atlassian token', 'ATATT3', `${TU}{40,250}`, `ATATT3${letters(180)}`),
  prefixed('figma-token', 'A Figma token', 'fig(?:d|u|oh|or)_', `${TU}{40,64}`, `figd_${letters(40)}`),
  prefixed('postman-key', 'A Postman key', 'PMAK-', '[a-f0-9]{24}-[a-f0-9]{34}', `PMAK-${hex(24)}-${hex(34)}`),
  prefixed('grafana-token', 'A Grafana token', 'gl(?:sa|c)_', `${TU}{32,400}`, `glsa_${letters(32)}_${hex(8)}`),
  prefixed('newrelic-key', 'A New Relic key', 'NRAK-', '[A-Z0-9]{27}', `NRAK-${capitals(27)}`),
  prefixed('sentry-token', 'A Sentry token', 'sntry(?:s|u)_', '[A-Za-z0-9+/=_-]{40,300}', `sntryu_${hex(64)}`),
  prefixed(
    'dynatrace-token',
    'A Dynatrace token',
    'dt0(?:c01|s16|s02)\\.',
    '[A-Z0-9]{8,24}\\.[A-Z0-9]{64}',
    `dt0c01.${capitals(24)}.${capitals(64)}`,
  ),
  prefixed(
    'tailscale-key',
    'A Tailscale key',
    'tskey-(?:auth|api|client|scim)-',
    `${TU}{20,100}`,
    `tskey-auth-${letters(17)}-${letters(32)}`,
  ),
  prefixed(
    'onepassword-token',
    'A 1Password service account token',
    'ops_',
    `eyJ[A-Za-z0-9+/=]{100,1500}`,
    `ops_eyJ${letters(220)}`,
  ),
  prefixed(
    'cloudflare-origin-key',
    'A Cloudflare origin key',
    'v1\\.0-',
    '[a-f0-9]{24}-[a-f0-9]{146}',
    `v1.0-${hex(24)}-${hex(146)}`,
  ),
  secret('discord-webhook', 'The address of a Discord webhook', {
    pattern: 'discord(?:app)?\\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60,80}',
    keywords: ['/api/webhooks/'],
    match: [`https://discord.com/api/webhooks/${digits(18)}/${letters(68)}`],
    nomatch: ['https://discord.com/api/webhooks/ID/TOKEN'],
  }),
];
