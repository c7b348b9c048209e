// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Call is one request to the server.
type Call struct {
	Verb string
	Ref  Ref
	// Write: it changes something.
	Write bool
}

func (c Call) String() string { return c.Verb + " " + c.Ref.String() }

// Gate stands between a process and the server: it carries a call out, or not, or makes its answer be lost.
type Gate func(call Call, carryOut func() error) error

// Client is a process's client: it reads Secrets live and all else from the process's cache, as controller.ClientOptions
// say. A method that the operator does not use is not there.
type Client struct {
	client.Client

	Server *Server
	Cache  client.Reader
	Gate   Gate
}

// Get implements client.Reader.
func (c *Client) Get(ctx context.Context, key client.ObjectKey, into client.Object, opts ...client.GetOption) error {
	if kindOf(into) == Secret && !isMetadata(into) {
		return c.Live().Get(ctx, key, into)
	}
	return c.Cache.Get(ctx, key, into, opts...)
}

// List implements client.Reader.
func (c *Client) List(ctx context.Context, into client.ObjectList, opts ...client.ListOption) error {
	return c.Cache.List(ctx, into, opts...)
}

// Create implements client.Writer.
func (c *Client) Create(ctx context.Context, object client.Object, _ ...client.CreateOption) error {
	return c.call(ctx, Call{"create", refOf(object), true}, func() error { return c.Server.Create(object) })
}

// Update implements client.Writer.
func (c *Client) Update(ctx context.Context, object client.Object, _ ...client.UpdateOption) error {
	return c.call(ctx, Call{"update", refOf(object), true}, func() error { return c.Server.Update(object, false) })
}

// Patch implements client.Writer.
func (c *Client) Patch(ctx context.Context, object client.Object, patch client.Patch, _ ...client.PatchOption) error {
	return c.patch(ctx, Call{"patch", refOf(object), true}, object, patch)
}

// Delete implements client.Writer.
func (c *Client) Delete(ctx context.Context, object client.Object, opts ...client.DeleteOption) error {
	options := (&client.DeleteOptions{}).ApplyOptions(opts)
	return c.call(ctx, Call{"delete", refOf(object), true}, func() error { return c.Server.Delete(refOf(object), options.Preconditions) })
}

// Status implements client.StatusClient.
func (c *Client) Status() client.SubResourceWriter { return statusClient{c: c} }

// Live is a reader past the cache.
func (c *Client) Live() client.Reader { return liveReader{c: c} }

type statusClient struct {
	client.SubResourceWriter
	c *Client
}

// Patch implements client.SubResourceWriter.
func (c statusClient) Patch(ctx context.Context, object client.Object, patch client.Patch, _ ...client.SubResourcePatchOption) error {
	return c.c.patch(ctx, Call{"patch status of", refOf(object), true}, object, patch)
}

type liveReader struct {
	client.Reader
	c *Client
}

// Get implements client.Reader.
func (r liveReader) Get(ctx context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	ref := Ref{kindOf(into), key.Namespace, key.Name}
	return r.c.call(ctx, Call{"read", ref, false}, func() error {
		stored, ok := r.c.Server.objects[ref]
		if !ok {
			return apierrors.NewNotFound(resource(ref.Kind), ref.Name)
		}
		return fill(into, stored)
	})
}

func (c *Client) call(ctx context.Context, call Call, carryOut func() error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	return c.Gate(call, carryOut)
}

func (c *Client) patch(ctx context.Context, call Call, object client.Object, patch client.Patch) error {
	data, err := patch.Data(object)
	if err != nil {
		return err
	}
	if patch.Type() != types.MergePatchType {
		return fmt.Errorf("a patch of type %s is not known here", patch.Type())
	}
	return c.call(ctx, call, func() error {
		current, ok := c.Server.objects[call.Ref]
		if !ok {
			return apierrors.NewNotFound(resource(call.Ref.Kind), call.Ref.Name)
		}
		changed, err := patched(current, data)
		if err != nil {
			return err
		}
		if err := c.Server.Update(changed, call.Verb == "patch status of"); err != nil {
			return err
		}
		return fill(object, changed)
	})
}

// patched applies a JSON merge patch (RFC 7386) to a copy of an object.
func patched(object client.Object, patch []byte) (client.Object, error) {
	encoded, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	var whole, change map[string]any
	if err := json.Unmarshal(encoded, &whole); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(patch, &change); err != nil {
		return nil, err
	}
	mergeInto(whole, change)
	if encoded, err = json.Marshal(whole); err != nil {
		return nil, err
	}
	changed := reflect.New(reflect.TypeOf(object).Elem()).Interface().(client.Object)
	return changed, json.Unmarshal(encoded, changed)
}

func mergeInto(whole, change map[string]any) {
	for name, value := range change {
		switch value := value.(type) {
		case nil:
			delete(whole, name)
		case map[string]any:
			inner, ok := whole[name].(map[string]any)
			if !ok {
				inner = map[string]any{}
			}
			mergeInto(inner, value)
			whole[name] = inner
		default:
			whole[name] = value
		}
	}
}
