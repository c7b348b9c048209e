// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Call is one request to the server.
type Call struct {
	Verb string
	Ref  Ref
	// Write: it changes an object.
	Write bool
}

func (c Call) String() string { return c.Verb + " " + c.Ref.String() }

// Gate decides what happens to a call: whether it is carried out, and whether its response is lost.
type Gate func(call Call, carryOut func() error) error

// defaultManager is the field manager of writes that name none. A real server derives it from the name of the program.
const defaultManager = "manager"

// Client is a process's client. It reads Secrets live, and metadata of Secrets and everything else from the process's cache,
// as controller.ClientOptions say. Methods that the operator does not use are missing.
type Client struct {
	client.Client

	Server *Server
	Cache  client.Reader
	Gate   Gate
}

// Get implements client.Reader.
func (c *Client) Get(ctx context.Context, key client.ObjectKey, into client.Object, opts ...client.GetOption) error {
	if readsLive(into) {
		return c.Live().Get(ctx, key, into, opts...)
	}
	return c.Cache.Get(ctx, key, into, opts...)
}

// List implements client.Reader.
func (c *Client) List(ctx context.Context, into client.ObjectList, opts ...client.ListOption) error {
	if readsLive(into) {
		return c.Live().List(ctx, into, opts...)
	}
	return c.Cache.List(ctx, into, opts...)
}

// Create implements client.Writer.
func (c *Client) Create(ctx context.Context, object client.Object, opts ...client.CreateOption) error {
	options := (&client.CreateOptions{}).ApplyOptions(opts)
	by := writeBy(options.FieldManager, options.DryRun)
	return c.call(ctx, by.call("create", refOf(object)), func() error { return c.Server.create(object, by) })
}

// Update implements client.Writer.
func (c *Client) Update(ctx context.Context, object client.Object, opts ...client.UpdateOption) error {
	options := (&client.UpdateOptions{}).ApplyOptions(opts)
	by := writeBy(options.FieldManager, options.DryRun)
	return c.call(ctx, by.call("update", refOf(object)), func() error { return c.Server.update(object, false, by) })
}

// Patch implements client.Writer.
func (c *Client) Patch(ctx context.Context, object client.Object, patch client.Patch, opts ...client.PatchOption) error {
	options := (&client.PatchOptions{}).ApplyOptions(opts)
	if patch.Type() != types.ApplyPatchType {
		return c.patch(ctx, object, patch, false, writeBy(options.FieldManager, options.DryRun))
	}
	data, err := patch.Data(object)
	if err != nil {
		return err
	}
	by := write{manager: options.FieldManager, dryRun: len(options.DryRun) > 0, force: ptr.Deref(options.Force, false)}
	return c.apply(ctx, data, by, func(stored client.Object) error { return fill(object, stored) })
}

// Apply implements client.Writer. As with a real client, the configuration becomes what the server has.
func (c *Client) Apply(ctx context.Context, configuration runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
	options := (&client.ApplyOptions{}).ApplyOptions(opts)
	data, err := json.Marshal(configuration)
	if err != nil {
		return err
	}
	by := write{manager: options.FieldManager, dryRun: len(options.DryRun) > 0, force: ptr.Deref(options.Force, false)}
	return c.apply(ctx, data, by, func(stored client.Object) error {
		answer, err := json.Marshal(withKind(stored))
		if err != nil {
			return err
		}
		return json.Unmarshal(answer, configuration)
	})
}

// apply applies a configuration and passes on what the server has then.
func (c *Client) apply(ctx context.Context, configuration []byte, by write, answer func(stored client.Object) error) error {
	applied := &unstructured.Unstructured{}
	if err := applied.UnmarshalJSON(configuration); err != nil {
		return err
	}
	ref := Ref{applied.GetKind(), applied.GetNamespace(), applied.GetName()}
	return c.call(ctx, by.call("apply", ref), func() error {
		stored, err := c.Server.apply(ref, applied, by)
		if err != nil {
			return err
		}
		return answer(stored)
	})
}

// Delete implements client.Writer.
func (c *Client) Delete(ctx context.Context, object client.Object, opts ...client.DeleteOption) error {
	options := (&client.DeleteOptions{}).ApplyOptions(opts)
	return c.call(ctx, Call{"delete", refOf(object), true}, func() error { return c.Server.Delete(refOf(object), options.Preconditions) })
}

// Status implements client.StatusClient.
func (c *Client) Status() client.SubResourceWriter { return statusClient{c: c} }

// Live returns a reader that bypasses the cache.
func (c *Client) Live() client.Reader { return liveReader{c: c} }

type statusClient struct {
	client.SubResourceWriter
	c *Client
}

// Patch implements client.SubResourceWriter.
func (c statusClient) Patch(ctx context.Context, object client.Object, patch client.Patch, _ ...client.SubResourcePatchOption) error {
	return c.c.patch(ctx, object, patch, true, write{})
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

// List implements client.Reader.
func (r liveReader) List(ctx context.Context, into client.ObjectList, opts ...client.ListOption) error {
	options := (&client.ListOptions{}).ApplyOptions(opts)
	if options.FieldSelector != nil {
		return fmt.Errorf("a field selector of a live list is not known here: %s", options.FieldSelector)
	}
	kind := kindOf(into)
	return r.c.call(ctx, Call{"list", Ref{Kind: kind, Namespace: options.Namespace}, false}, func() error {
		return fillList(into, slices.DeleteFunc(r.c.Server.All(kind), func(object client.Object) bool { return !selected(object, options) }))
	})
}

// selected reports whether a list with these options holds the object, but for its fields.
func selected(object client.Object, options *client.ListOptions) bool {
	return (options.Namespace == "" || options.Namespace == object.GetNamespace()) &&
		(options.LabelSelector == nil || options.LabelSelector.Matches(labels.Set(object.GetLabels())))
}

// readsLive reports whether the client reads such objects past its cache.
func readsLive(object runtime.Object) bool { return kindOf(object) == Secret && !isMetadata(object) }

func writeBy(manager string, dryRun []string) write {
	return write{manager: cmp.Or(manager, defaultManager), dryRun: len(dryRun) > 0}
}

// call is the call that makes the write. One that is only checked has no effect.
func (by write) call(verb string, ref Ref) Call {
	if by.dryRun {
		verb = "dry run of " + verb
	}
	return Call{verb, ref, !by.dryRun}
}

func (c *Client) call(ctx context.Context, call Call, carryOut func() error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	return c.Gate(call, carryOut)
}

func (c *Client) patch(ctx context.Context, object client.Object, patch client.Patch, status bool, by write) error {
	data, err := patch.Data(object)
	if err != nil {
		return err
	}
	if patch.Type() != types.MergePatchType {
		return fmt.Errorf("a patch of type %s is not known here", patch.Type())
	}
	ref, verb := refOf(object), "patch"
	if status {
		verb = "patch status of"
	}
	return c.call(ctx, by.call(verb, ref), func() error {
		current, ok := c.Server.objects[ref]
		if !ok {
			return apierrors.NewNotFound(resource(ref.Kind), ref.Name)
		}
		changed, err := patched(current, data)
		if err != nil {
			return err
		}
		if err := c.Server.update(changed, status, by); err != nil {
			return err
		}
		return fill(object, changed)
	})
}

// patched applies a JSON merge patch (RFC 7386) to a copy of an object.
func patched(object client.Object, patch []byte) (client.Object, error) {
	whole, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, err
	}
	var change map[string]any
	if err := json.Unmarshal(patch, &change); err != nil {
		return nil, err
	}
	mergeInto(whole, change)
	changed := reflect.New(reflect.TypeOf(object).Elem()).Interface().(client.Object)
	return changed, runtime.DefaultUnstructuredConverter.FromUnstructured(whole, changed)
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
