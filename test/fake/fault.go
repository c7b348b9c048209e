// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"context"
	"errors"
	"maps"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

// Operation is a method of the service, in the words of keyservice.Error.Op.
type Operation string

// The operations.
const (
	List        Operation = "list keys"
	ListAll     Operation = "list all keys"
	Create      Operation = "create key"
	Delete      Operation = "delete key"
	Regenerate  Operation = "regenerate key"
	Disable     Operation = "disable key"
	Enable      Operation = "enable key"
	LastUsed    Operation = "read last use"
	Probe       Operation = "check credentials"
	ResolveUser Operation = "find user"
	Identity    Operation = "read identity"
)

// changes reports whether a lost answer of the operation is Ambiguous.
func (o Operation) changes() bool { return o == Create || o == Regenerate }

// Fault is what happens to one call.
type Fault struct {
	// CarriedOut: the call does what it should before it fails.
	CarriedOut bool
	// Hangs is called when the call begins to wait until its context ends; nil: it does not.
	Hangs func()
	// Kind of the error; empty for a lost answer, of whom the operation decides: Ambiguous or Unavailable.
	Kind keyservice.Kind
	// RetryAfter of the error.
	RetryAfter time.Duration
}

// FailNext makes the next call of the operation meet the fault, once.
func (s *Service) FailNext(op Operation, fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[op] = fault
}

// Calls returns how often each operation was called.
func (s *Service) Calls() map[Operation]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

// call carries an operation out, or lets it meet its fault. do is called with s.mu held.
func (s *Service) call(ctx context.Context, op Operation, do func() error) error {
	if ctx.Err() != nil {
		return failed(keyservice.Unavailable, op, "canceled before the service was asked")
	}
	fault, faulty, err := s.begin(op, do)
	if err != nil || !faulty {
		return err
	}
	kind := fault.Kind
	if kind == "" {
		kind = keyservice.Unavailable
		if op.changes() {
			kind = keyservice.Ambiguous
		}
	}
	reason := errors.New("the service closed the connection before its answer was complete")
	if fault.Hangs != nil {
		fault.Hangs()
		<-ctx.Done()
		reason = errors.New("canceled before the service answered")
	}
	return &keyservice.Error{Kind: kind, Op: string(op), RetryAfter: fault.RetryAfter, Err: reason}
}

func (s *Service) begin(op Operation, do func() error) (fault Fault, faulty bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[op]++
	s.sweep()
	fault, faulty = s.faults[op]
	delete(s.faults, op)
	if !faulty || fault.CarriedOut {
		err = do()
	}
	return fault, faulty, err
}
