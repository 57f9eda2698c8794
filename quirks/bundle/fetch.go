package bundle

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Limits on a download.
const (
	fetchTime    = time.Minute
	maxRedirects = 5
)

// Client makes an HTTP client for Fetch. roots are the trusted certificate authorities; nil: the system's.
func Client(roots *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout: fetchTime,
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:   20 * time.Second,
			ResponseHeaderTimeout: 20 * time.Second,
			DisableCompression:    true,
			DisableKeepAlives:     true,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("more than %d redirects", maxRedirects)
			}
			return checkURL(req.URL)
		},
	}
}

func checkURL(u *url.URL) error {
	switch {
	case u.Scheme != "https":
		return fmt.Errorf("%s is refused: updates are fetched by https only", printable(u.Scheme))
	case u.User != nil:
		return errors.New("a URL with a user name or a password is refused")
	case u.Host == "":
		return errors.New("the URL names no host")
	}
	return nil
}

// Fetch gets a file of at most limit octets over https.
func Fetch(ctx context.Context, c *http.Client, address string, limit int64) ([]byte, error) {
	u, err := url.Parse(address)
	if err == nil {
		err = checkURL(u)
	}
	if err != nil {
		return nil, fmt.Errorf("fetching: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("fetching: %w", err)
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetching: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetching %s: the server says %s", u.Redacted(), printable(resp.Status))
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("fetching %s: %w", u.Redacted(), err)
	case int64(len(b)) > limit:
		return nil, fmt.Errorf("fetching %s: longer than %d octets", u.Redacted(), limit)
	}
	return b, nil
}
