package modem

// AuthNone is the auth_command by which nothing is sent.
const AuthNone = "none"
