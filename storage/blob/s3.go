package blob

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	gcblob "gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
)

func init() {
	for _, scheme := range []string{"s3", "s3a"} {
		storage.Register(scheme, openS3)
	}
}

// Bounds of the requests to S3. With them a server that is not there is given up after
// some ten seconds.
const (
	attempts   = 5
	maxBackoff = 5 * time.Second
	// patience is how long an answer may take to begin once the request is sent.
	patience = time.Minute
)

// defaultRegion is for servers that do not care.
const defaultRegion = "us-east-1"

// openS3 opens a bucket with what the environment of the AWS SDK says: AWS_REGION,
// AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_PROFILE and the rest (docs/storage.md).
func openS3(ctx context.Context, uri string) (storage.Store, error) {
	l, err := parse(uri)
	if err != nil {
		return nil, err
	}
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = patience })))
	if err != nil {
		return nil, fmt.Errorf("blob: configuration of the AWS SDK: %w: %w", base.ErrInvalid, err)
	}
	if cfg.Region == "" {
		cfg.Region = defaultRegion
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		// Servers other than Amazon's seldom have a host name for each bucket.
		o.UsePathStyle = o.BaseEndpoint != nil
		o.Retryer = newRetryer(cmp.Or(cfg.RetryMaxAttempts, attempts))
	})
	bucket, err := s3blob.OpenBucket(ctx, client, l.bucket, &s3blob.Options{RequestChecksumCalculation: cfg.RequestChecksumCalculation})
	if err != nil {
		return nil, fmt.Errorf("blob: open %s: %w", uri, err)
	}
	return newStore(l, bucket, &s3Cloud{client: client, bucket: l.bucket}), nil
}

// newRetryer repeats what the SDK repeats (no answer, throttling, failures of the server),
// and writes that met another in the same moment, which S3 answers with 409.
func newRetryer(attempts int) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.MaxBackoff = maxBackoff
		o.RateLimiter = ratelimit.None
		o.Retryables = append(o.Retryables,
			retry.RetryableHTTPStatusCode{Codes: map[int]struct{}{http.StatusTooManyRequests: {}, http.StatusConflict: {}}})
	})
}

// s3Cloud is a bucket of S3. A version is an ETag without quotes.
type s3Cloud struct {
	client *s3.Client
	bucket string
}

func (c *s3Cloud) put(ctx context.Context, key string, data []byte, cond condition, token string) (string, error) {
	in := &s3.PutObjectInput{
		Bucket: &c.bucket, Key: &key, Body: bytes.NewReader(data), ContentLength: aws.Int64(int64(len(data))),
		ContentType: aws.String(contentType), Metadata: map[string]string{tokenKey: token},
	}
	switch {
	case cond.absent:
		in.IfNoneMatch = aws.String("*")
	case cond.version != "":
		in.IfMatch = quoted(cond.version)
	}
	tries := 1
	out, err := c.client.PutObject(ctx, in, func(o *s3.Options) { o.Retryer = countRetries{o.Retryer, &tries} })
	switch {
	case err == nil:
		return c.normal(aws.ToString(out.ETag)), nil
	case tries > 1:
		err = repeatedError{err}
	}
	return "", err
}

// countRetries counts the tries of one request.
type countRetries struct {
	aws.Retryer
	tries *int
}

func (c countRetries) RetryDelay(attempt int, err error) (time.Duration, error) {
	*c.tries++
	return c.Retryer.RetryDelay(attempt, err)
}

func (c *s3Cloud) remove(ctx context.Context, keys []string) error {
	if len(keys) == 1 {
		_, err := c.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &c.bucket, Key: &keys[0]})
		return err
	}
	list := make([]types.ObjectIdentifier, len(keys))
	for i := range keys {
		list[i].Key = &keys[i]
	}
	out, err := c.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &c.bucket, Delete: &types.Delete{Objects: list, Quiet: aws.Bool(true)}})
	if err != nil {
		return err
	}
	for _, e := range out.Errors {
		return fmt.Errorf("%d of %d objects were not deleted: %s: %w", len(out.Errors), len(keys), aws.ToString(e.Key),
			&smithy.GenericAPIError{Code: aws.ToString(e.Code), Message: aws.ToString(e.Message)})
	}
	return nil
}

func (c *s3Cloud) ranged(tail int64, version string) func(as func(any) bool) error {
	return func(as func(any) bool) error {
		var in *s3.GetObjectInput
		if !as(&in) {
			return errors.New("gocloud.dev/blob/s3blob does not show its request")
		}
		if tail > 0 {
			in.Range = aws.String("bytes=-" + strconv.FormatInt(tail, 10))
		}
		if version != "" {
			in.IfMatch = quoted(version)
		}
		return nil
	}
}

func (c *s3Cloud) answer(r *gcblob.Reader) (version string, from int64) {
	var out s3.GetObjectOutput
	if !r.As(&out) {
		return "", 0
	}
	// For example: bytes 10-14/27. Without it the answer is the whole object.
	if text, ok := strings.CutPrefix(aws.ToString(out.ContentRange), "bytes "); ok {
		text, _, _ = strings.Cut(text, "-")
		from, _ = strconv.ParseInt(text, 10, 64)
	}
	return c.normal(aws.ToString(out.ETag)), from
}

func (*s3Cloud) normal(etag string) string { return strings.Trim(etag, `"`) }

func quoted(etag string) *string { return aws.String(`"` + etag + `"`) }

// s3Codes are the error codes that have a meaning here. Answers to HEAD have no code, but
// a status.
var s3Codes = map[string]kind{
	"NoSuchKey": missing, "NotFound": missing, "NoSuchBucket": noBucket, "NoSuchUpload": other,
	"PreconditionFailed": refused,
	"AccessDenied":       denied, "Forbidden": denied, "InvalidAccessKeyId": denied, "SignatureDoesNotMatch": denied, "ExpiredToken": denied,
	"InvalidRange": emptyRange,
}

var s3Statuses = map[int]kind{
	http.StatusNotFound: missing, http.StatusPreconditionFailed: refused,
	http.StatusUnauthorized: denied, http.StatusForbidden: denied,
	http.StatusRequestedRangeNotSatisfiable: emptyRange,
	http.StatusTooManyRequests:              silent,
}

func (*s3Cloud) kind(err error) kind {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		if k, known := s3Codes[api.ErrorCode()]; known {
			return k
		}
	}
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok && answer.HTTPStatusCode() != 0 {
		if answer.HTTPStatusCode() >= http.StatusInternalServerError {
			return silent
		}
		return s3Statuses[answer.HTTPStatusCode()]
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return silent
	}
	return other
}
