# The released image: the manager on distroless, which adds CA certificates and nothing that runs. "make image" sets the arguments.
# Both digests are those of multi-arch indexes. The bytes of the manager also depend on the version of Go.
FROM --platform=$BUILDPLATFORM docker.io/library/golang:1.26.8@sha256:3c3e25a4da13fd0478eed2df1eb35a0e667094a7124d3993a6a1d30f71c17e79 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY Makefile ./
COPY api api
COPY cmd cmd
COPY internal internal
ARG TARGETOS TARGETARCH
ARG VERSION=dev COMMIT=unknown DATE=unknown
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    GOOS=$TARGETOS GOARCH=$TARGETARCH make build VERSION="$VERSION" COMMIT="$COMMIT" DATE="$DATE"

FROM gcr.io/distroless/static-debian13:nonroot@sha256:e2e927ec666bae08560abb3c55d0659eceabb657f56b6782ab500a9fc7f555e3
ARG VERSION=dev COMMIT=unknown DATE=unknown
LABEL org.opencontainers.image.title="accesskey-operator" \
      org.opencontainers.image.description="Issues, rotates and revokes the access keys of S3 storage and cloud IAM services" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT" \
      org.opencontainers.image.created="$DATE"
COPY --from=build /src/bin/manager /manager
# A number, because runAsNonRoot of Kubernetes cannot check a name.
USER 65532:65532
ENTRYPOINT ["/manager"]
